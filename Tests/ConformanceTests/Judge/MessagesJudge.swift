import Foundation

/// Anthropic's messages (<https://docs.anthropic.com/en/api/messages>).
enum MessagesJudge: Judge {
    static let shows: Set<Aspect> = [
        .reasoning, .signatures, .calls, .callIDs, .usage, .cachedTokens, .refusal, .messages,
    ]

    static func path(model: String, isStreaming: Bool) -> String { "/v1/messages" }

    static func request(isStreaming: Bool) -> [String: Any] {
        var request: [String: Any] = [
            "model": "m", "max_tokens": 4096, "messages": [["role": "user", "content": "Hi"]],
        ]
        if isStreaming { request["stream"] = true }
        return request
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var request = self.request(isStreaming: false)
        var messages: [[String: Any]] = [["role": "user", "content": "Hi"]] + seen.turn
        let results = seen.calls.enumerated().map { index, call in
            ["type": "tool_result", "tool_use_id": call.id, "content": "result \(index)"]
        }
        if !results.isEmpty { messages.append(["role": "user", "content": results]) }
        messages.append(["role": "user", "content": "And now?"])
        request["messages"] = messages
        let names = Set(seen.calls.map(\.name)).sorted()
        if !names.isEmpty {
            request["tools"] = names.map { ["name": $0, "input_schema": ["type": "object"]] as [String: Any] }
        }
        return request
    }

    // MARK: Replies

    static func whole(_ json: [String: Any]) -> SeenReply {
        var reading = Reading()
        reading.seen.error = self.failure(json)
        reading.count(json["usage"])
        reading.blocks = json.list("content")
        reading.end(json["stop_reason"] as? String)
        return reading.seen
    }

    static func stream(_ data: Data) -> SeenReply {
        var reading = Reading()
        var word: String?
        for event in self.events(data) where event.kind != .empty {
            let json = event.json
            reading.seen.error = reading.seen.error ?? self.failure(json)
            reading.seen.demand(json.text("type") == event.name, "an event's name: \(event.name)")
            reading.step(json)
            if json.text("type") == "message_delta" {
                word = json.object("delta")["stop_reason"] as? String ?? word
            }
            if event.isLast { break }
        }
        if reading.seen.error == nil {
            reading.seen.demand(reading.isStopped, "no message_stop")
            reading.seen.demand(word != nil, "no stop_reason")
            reading.seen.demand(reading.open.isEmpty, "a block without an end")
        }
        reading.endInputs()
        reading.end(word)
        return reading.seen
    }

    static func events(_ data: Data) -> [RawEvent] {
        self.sse(data) { event in
            if event.json.text("type") == "message_stop" {
                event.makesWhole = true
                event.isLast = true
            }
        }
    }

    static func failure(_ json: [String: Any]) -> String? {
        if let error = json["error"] as? [String: Any] { return error.text("message") }
        if let error = json["error"] as? String { return error }
        return json.text("type") == "error" ? json.text("message") : nil
    }

    static func failureFaults(_ reply: ClientReply) -> [String] {
        let isKept =
            reply.json.text("type") == "error" && reply.error["type"] is String && reply.error["message"] is String
        return isKept ? [] : ["Anthropic's error: \(reply.text)"]
    }

    private struct Reading {
        var seen = SeenReply()
        var blocks: [[String: Any]] = []
        var open: [Int: Int] = [:]
        var isStopped = false
        private var input: [Int: String] = [:]
        private var counts: [String: Int] = [:]
        private var hasStarted = false
        private var next = 0

        mutating func step(_ json: [String: Any]) {
            let index = json.number("index") ?? 0
            let type = json.text("type")
            if type != "ping", type != "error", type != "message_start" {
                self.seen.demand(self.hasStarted, "\(type) before message_start")
            }
            switch type {
            case "message_start":
                self.seen.demand(!self.hasStarted, "a second message_start")
                self.hasStarted = true
                let message = json.object("message")
                self.seen.demand(
                    message.text("role") == "assistant" && message["id"] is String && message["model"] is String
                        && message["usage"] is [String: Any], "message_start's form")
                self.count(message["usage"])
            case "content_block_start":
                self.seen.demand(self.open.isEmpty && index == self.next, "block \(index) out of order")
                self.next += 1
                self.open[index] = self.blocks.count
                self.blocks.append(json.object("content_block"))
            case "content_block_delta":
                guard let place = self.open[index] else { return self.seen.demand(false, "a delta of no block") }
                self.apply(json.object("delta"), to: place)
            case "content_block_stop":
                self.seen.demand(self.open.removeValue(forKey: index) != nil, "the end of no block")
            case "message_delta":
                self.seen.demand(self.open.isEmpty, "message_delta inside a block")
                self.count(json["usage"])
            case "message_stop": self.isStopped = true
            default: break
            }
        }

        private mutating func apply(_ delta: [String: Any], to place: Int) {
            for key in ["text", "thinking", "signature"] {
                if let piece = delta[key] as? String { self.blocks[place][key] = self.blocks[place].text(key) + piece }
            }
            if let piece = delta["partial_json"] as? String { self.input[place, default: ""] += piece }
        }

        mutating func endInputs() {
            for (place, text) in self.input where !text.isEmpty {
                self.blocks[place]["input"] = JSON.object(text) ?? text
            }
        }

        mutating func count(_ value: Any?) {
            for (key, count) in value as? [String: Any] ?? [:] {
                if let count = count as? Int { self.counts[key] = count }
            }
        }

        mutating func end(_ word: String?) {
            for block in self.blocks {
                switch block.text("type") {
                case "text": self.seen.text += block.text("text")
                case "thinking":
                    self.seen.reasoning += block.text("thinking")
                    if !block.text("signature").isEmpty { self.seen.signatures.append(block.text("signature")) }
                // As much its provider's as a signature.
                case "redacted_thinking": self.seen.signatures.append(block.text("data"))
                case "tool_use":
                    let input = block["input"] ?? [String: Any]()
                    self.seen.calls.append(
                        .init(
                            id: block.text("id"), name: block.text("name"),
                            arguments: input as? String ?? JSON.canonical(input)))
                default: self.seen.hasForeign = true
                }
            }
            self.seen.turn = [["role": "assistant", "content": self.blocks]]
            if let output = self.counts["output_tokens"] {
                self.seen.outputTokens = output
                self.seen.cachedTokens = self.counts["cache_read_input_tokens"]
                self.seen.inputTokens = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
                    .reduce(0) { $0 + (self.counts[$1] ?? 0) }
            }
            self.seen.stop =
                switch word {
                case "max_tokens", "model_context_window_exceeded": .length
                case "refusal": .refused
                case "pause_turn": .pause
                default: self.seen.calls.isEmpty ? .end : .calls
                }
        }
    }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        said.add(PlainConversation.text(body["system"]), "system")
        for tool in body.list("tools") where tool["input_schema"] != nil {
            said.tools[tool.text("name")] = PlainConversation.schema(tool["input_schema"])
        }
        for message in body.list("messages") {
            let role = message.text("role")
            said.add(message.text("content"), role)
            for block in message.list("content") { self.readBlock(block, role, into: &said) }
        }
        return said
    }

    private static func readBlock(_ block: [String: Any], _ role: String, into said: inout PlainConversation) {
        switch block.text("type") {
        case "text": said.add(block.text("text"), role)
        case "image", "document":
            let source = block.object("source")
            for key in ["data", "url", "file_id"] {
                guard let value = source[key] as? String else { continue }
                if source.text("type") == "text" {
                    said.add(value, role, title: block.text("title"))
                } else if key == "data" {
                    said.addMedia(base64: value, type: source.text("media_type"), role, title: block.text("title"))
                } else {
                    said.media.append(value)
                }
            }
            said.add(PlainConversation.text(source["content"]), role, title: block.text("title"))
        case "thinking":
            if !block.text("signature").isEmpty { said.signatures.append(block.text("signature")) }
        case "redacted_thinking": said.signatures.append(block.text("data"))
        case "tool_use":
            said.addCall(.init(id: block.text("id"), name: block.text("name"), value: block["input"]))
        case "tool_result":
            let content: Any? =
                block["content"] is String
                ? block["content"] : PlainConversation.text(block.list("content").filter { $0["text"] is String })
            said.addResult(block.text("tool_use_id"), content)
            for inner in block.list("content") where inner.text("type") != "text" {
                self.readBlock(inner, role, into: &said)
                said.hasMediaResults = true
            }
        default: break
        }
    }

    static var okay: [String: Any] {
        [
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [["type": "text", "text": "ok"]], "stop_reason": "end_turn",
            "usage": ["input_tokens": 1, "output_tokens": 1],
        ]
    }

    static var okayStream: Data {
        let steps = [
            #"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"#
                + #""stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ok"}}"#,
            #"{"type":"content_block_stop","index":0}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#,
            #"{"type":"message_stop"}"#,
        ]
        let text = steps.map { "event: \(JSON.object($0)?.text("type") ?? "")\ndata: \($0)\n\n" }
        return Data(text.joined().utf8)
    }
}
