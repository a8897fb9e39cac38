import Foundation

/// Cohere's chat, version 2 (<https://docs.cohere.com/reference/chat>).
enum CohereJudge: Judge {
    static let shows: Set<Aspect> = [.reasoning, .calls, .callIDs, .usage, .cachedTokens, .looseArguments, .messages]

    static func path(model: String, isStreaming: Bool) -> String { "/v2/chat" }

    static func request(isStreaming: Bool) -> [String: Any] {
        ["model": "m", "messages": [["role": "user", "content": "Hi"]], "stream": isStreaming]
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var request = self.request(isStreaming: false)
        var messages: [[String: Any]] = [["role": "user", "content": "Hi"]] + seen.turn
        for (index, call) in seen.calls.enumerated() {
            messages.append(["role": "tool", "tool_call_id": call.id, "content": "result \(index)"])
        }
        messages.append(["role": "user", "content": "And now?"])
        request["messages"] = messages
        let names = Set(seen.calls.map(\.name)).sorted()
        if !names.isEmpty {
            request["tools"] = names.map {
                ["type": "function", "function": ["name": $0, "parameters": ["type": "object"]]] as [String: Any]
            }
        }
        return request
    }

    // MARK: Replies

    static func whole(_ json: [String: Any]) -> SeenReply {
        var reading = Reading()
        reading.seen.error = self.failure(json)
        reading.message = json.object("message")
        reading.usage = json.object("usage")
        reading.word = json["finish_reason"] as? String
        reading.end()
        if reading.seen.error == nil {
            reading.seen.demand(
                json["id"] is String && json["finish_reason"] is String && reading.message.text("role") == "assistant",
                "a reply's form")
        }
        return reading.seen
    }

    static func stream(_ data: Data) -> SeenReply {
        var reading = Reading()
        var types: [String] = []
        for event in self.events(data) where event.kind != .empty && !event.isLast {
            reading.seen.error = reading.seen.error ?? self.failure(event.json)
            reading.seen.demand(event.kind != .garbage, "an event that is no JSON")
            let type = event.json.text("type")
            reading.seen.demand(event.name.isEmpty || event.name == type, "an event's name: \(event.name) for \(type)")
            types.append(type)
            reading.step(type, event.json)
        }
        if reading.seen.error == nil {
            reading.seen.demand(types.first == "message-start", "begins with \(types.first ?? "nothing")")
            reading.seen.demand(types.last == "message-end", "no message-end at the end")
            reading.seen.demand(!reading.hasOpen, "something without an end")
        }
        reading.end()
        return reading.seen
    }

    static func events(_ data: Data) -> [RawEvent] {
        self.sse(data) { event in event.makesWhole = event.json.text("type") == "message-end" }
    }

    static func failure(_ json: [String: Any]) -> String? {
        let delta = json.object("delta")
        if json.text("type") == "message-end", delta.text("finish_reason").hasPrefix("ERROR") {
            return delta["error"] as? String ?? "finish_reason \(delta.text("finish_reason"))"
        }
        guard json["finish_reason"] == nil, json["delta"] == nil else { return nil }
        return json["message"] as? String ?? json["error"] as? String ?? (json["data"] as? String)
    }

    static func failureFaults(_ reply: ClientReply) -> [String] {
        reply.json["message"] is String ? [] : ["Cohere's error: \(reply.text)"]
    }

    private struct Reading {
        var seen = SeenReply()
        var word: String?
        var message: [String: Any] = [:]
        var usage: [String: Any] = [:]
        private var content: [[String: Any]] = []
        private var calls: [[String: Any]] = []
        private var openContent: Int?
        private var openCall: Int?

        var hasOpen: Bool { self.openContent != nil || self.openCall != nil }

        mutating func step(_ type: String, _ json: [String: Any]) {
            let index = json.number("index") ?? 0
            let message = json.object("delta").object("message")
            switch type {
            case "message-start":
                self.seen.demand(self.message.isEmpty, "a second message-start")
                self.seen.demand(message.text("role") == "assistant" && json["id"] is String, "message-start's form")
                self.message["role"] = "assistant"
            case "content-start":
                self.seen.demand(
                    self.openContent == nil && index == self.content.count, "content \(index) out of order")
                self.openContent = index
                self.content.append(message.object("content"))
            case "content-delta":
                guard self.openContent == index, let last = self.content.indices.last else {
                    return self.seen.demand(false, "a delta of no content")
                }
                for key in ["text", "thinking"] {
                    guard let piece = message.object("content")[key] as? String else { continue }
                    self.content[last][key] = self.content[last].text(key) + piece
                }
            case "content-end":
                self.seen.demand(self.openContent == index, "the end of no content")
                self.openContent = nil
            case "tool-plan-delta":
                self.message["tool_plan"] = self.message.text("tool_plan") + message.text("tool_plan")
            case "tool-call-start":
                self.seen.demand(self.openCall == nil, "a call inside a call")
                self.openCall = index
                self.calls.append(message.object("tool_calls"))
            case "tool-call-delta":
                guard self.openCall == index, let last = self.calls.indices.last else {
                    return self.seen.demand(false, "a delta of no call")
                }
                var function = self.calls[last].object("function")
                let piece = message.object("tool_calls").object("function").text("arguments")
                function["arguments"] = function.text("arguments") + piece
                self.calls[last]["function"] = function
            case "tool-call-end":
                self.seen.demand(self.openCall == index, "the end of no call")
                self.openCall = nil
            case "citation-start": self.seen.hasForeign = true
            case "message-end":
                self.word = json.object("delta")["finish_reason"] as? String
                self.usage = json.object("delta").object("usage")
            default: break
            }
            if !self.content.isEmpty { self.message["content"] = self.content }
            if !self.calls.isEmpty { self.message["tool_calls"] = self.calls }
        }

        mutating func end() {
            self.seen.text = self.message.text("content")
            for part in self.message.list("content") {
                self.seen.text += part.text("text")
                self.seen.reasoning += part.text("thinking")
            }
            self.seen.plan = self.message.text("tool_plan")
            if !self.message.list("citations").isEmpty { self.seen.hasForeign = true }
            for call in self.message.list("tool_calls") {
                let function = call.object("function")
                self.seen.calls.append(
                    .init(id: call.text("id"), name: function.text("name"), text: function.text("arguments")))
            }
            var turn = self.message
            turn["citations"] = nil
            self.seen.turn = [turn]
            let tokens =
                self.usage["tokens"] is [String: Any] ? self.usage.object("tokens") : self.usage.object("billed_units")
            self.seen.inputTokens = tokens.number("input_tokens")
            self.seen.outputTokens = tokens.number("output_tokens")
            self.seen.cachedTokens = self.usage.number("cached_tokens")
            self.seen.stop = self.word == "MAX_TOKENS" ? .length : self.seen.calls.isEmpty ? .end : .calls
        }
    }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        for tool in body.list("tools") {
            let function = tool.object("function")
            said.tools[function.text("name")] = PlainConversation.schema(function["parameters"])
        }
        let last = body.list("messages").lastIndex { $0.text("role") == "user" }
        for (place, message) in body.list("messages").enumerated() {
            let role = message.text("role")
            // Documents stand beside the conversation, and belong to what the user asks last.
            if place == last { self.readDocuments(body, into: &said) }
            guard role != "tool" else {
                let parts = message.list("content")
                let documents = parts.compactMap { $0["document"] as? [String: Any] }
                let data = documents.first.map { $0["data"] ?? "" }
                said.addResult(
                    message.text("tool_call_id"), message["content"] as? String ?? data ?? PlainConversation.text(parts)
                )
                if parts.contains(where: { $0["image_url"] != nil }) { said.hasMediaResults = true }
                continue
            }
            said.add(message.text("tool_plan"), role)
            said.add(PlainConversation.text(message["content"]), role)
            for part in message.list("content") {
                if let url = part.object("image_url")["url"] as? String {
                    said.addMedia(url, role)
                }
            }
            for call in message.list("tool_calls") {
                let function = call.object("function")
                said.addCall(.init(id: call.text("id"), name: function.text("name"), text: function.text("arguments")))
            }
        }
        return said
    }

    private static func readDocuments(_ body: [String: Any], into said: inout PlainConversation) {
        for document in body["documents"] as? [Any] ?? [] {
            let data = (document as? [String: Any])?["data"] ?? document
            let object = data as? [String: Any] ?? [:]
            let text = data as? String ?? object["text"] as? String ?? JSON.canonical(object)
            said.add(text, "user", title: object.text("title"))
            if !object.text("title").isEmpty { said.titles.append(object.text("title")) }
        }
    }

    static var okay: [String: Any] {
        [
            "id": "c", "finish_reason": "COMPLETE",
            "message": ["role": "assistant", "content": [["type": "text", "text": "ok"]]] as [String: Any],
            "usage": ["tokens": ["input_tokens": 1, "output_tokens": 1]],
        ]
    }

    static var okayStream: Data {
        let steps = [
            #"{"id":"c","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
            #"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
            #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"ok"}}}}"#,
            #"{"type":"content-end","index":0}"#,
            #"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":1,"output_tokens":1}}}}"#,
        ]
        let text = steps.map { "event: \(JSON.object($0)?.text("type") ?? "")\ndata: \($0)\n\n" }
        return Data(text.joined().utf8)
    }
}
