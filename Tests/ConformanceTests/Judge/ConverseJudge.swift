import Foundation

/// Amazon Bedrock's Converse
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>).
enum ConverseJudge: Judge {
    static let shows: Set<Aspect> = [
        .reasoning, .signatures, .calls, .callIDs, .usage, .cachedTokens, .refusal, .messages,
    ]

    static let isPathBound = true

    static func path(model: String, isStreaming: Bool) -> String {
        let name = model.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? model
        return "/model/\(name)/" + (isStreaming ? "converse-stream" : "converse")
    }

    static func request(isStreaming: Bool) -> [String: Any] {
        ["messages": [["role": "user", "content": [["text": "Hi"]]]]]
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var messages: [[String: Any]] = [["role": "user", "content": [["text": "Hi"]]]] + seen.turn
        let results: [[String: Any]] = seen.calls.enumerated().map { index, call in
            ["toolResult": ["toolUseId": call.id, "content": [["text": "result \(index)"]]] as [String: Any]]
        }
        messages.append(["role": "user", "content": results + [["text": "And now?"]]])
        var request: [String: Any] = ["messages": messages]
        let names = Set(seen.calls.map(\.name)).sorted()
        if !names.isEmpty {
            let tools = names.map {
                ["toolSpec": ["name": $0, "inputSchema": ["json": ["type": "object"]]] as [String: Any]]
            }
            request["toolConfig"] = ["tools": tools]
        }
        return request
    }

    // MARK: Replies

    static func whole(_ json: [String: Any]) -> SeenReply {
        var reading = Reading()
        reading.seen.error = self.failure(json)
        reading.blocks = json.object("output").object("message").list("content")
        reading.count(json.object("usage"))
        reading.word = json["stopReason"] as? String
        reading.end()
        if reading.seen.error == nil {
            reading.seen.demand(
                json.object("output").object("message").text("role") == "assistant" && json["stopReason"] is String
                    && json["usage"] is [String: Any] && json["metrics"] is [String: Any], "a reply's form")
        }
        return reading.seen
    }

    static func stream(_ data: Data) -> SeenReply {
        var reading = Reading()
        for event in self.events(data) {
            reading.seen.error = reading.seen.error ?? (event.kind == .failure ? self.failure(event.json) ?? "" : nil)
            reading.seen.demand(event.kind != .garbage, "bytes that are no frame")
            if event.kind == .good { reading.step(event) }
        }
        reading.endStream()
        return reading.seen
    }

    static func events(_ data: Data) -> [RawEvent] {
        let stream = AmazonFrames(data)
        var events = stream.frames.map { frame in
            let name = frame.headers[":event-type"] ?? frame.headers[":exception-type"] ?? ""
            var event = RawEvent(kind: .good, name: name, raw: frame.raw)
            if let json = JSON.object(frame.payload) {
                event.json = json
            } else if !frame.payload.isEmpty || frame.headers[":message-type"] == "event" {
                event.kind = .garbage
            }
            if frame.headers[":message-type"] == "exception" { event.kind = .failure }
            if frame.headers[":message-type"] == "error" {
                event.kind = .failure
                event.json = ["message": frame.headers[":error-message"] ?? ""]
            }
            event.makesWhole = name == "messageStop"
            return event
        }
        if !stream.rest.isEmpty { events.append(RawEvent(kind: .garbage, raw: stream.rest)) }
        return events
    }

    static func failure(_ json: [String: Any]) -> String? {
        json["output"] == nil ? (json["message"] ?? json["Message"]) as? String : nil
    }

    static func failureFaults(_ reply: ClientReply) -> [String] {
        let type = reply.headers["x-amzn-errortype"] ?? ""
        let isKept = reply.json["message"] is String && type.hasSuffix("Exception")
        return isKept ? [] : ["Bedrock's error: \(type) \(reply.text)"]
    }

    private struct Reading {
        var seen = SeenReply()
        var word: String?
        var blocks: [[String: Any]] = []
        private var open: Int?
        private var input: [Int: String] = [:]
        private var order: [String] = []

        mutating func step(_ event: RawEvent) {
            let json = event.json
            let index = json.number("contentBlockIndex") ?? -1
            let last = self.order.last
            self.order.append(event.name)
            switch event.name {
            case "messageStart":
                self.seen.demand(last == nil && json.text("role") == "assistant", "messageStart's form or place")
            case "contentBlockStart":
                self.seen.demand(self.open == nil && index == self.blocks.count, "block \(index) out of order")
                self.open = index
                self.blocks.append(json.object("start"))
            case "contentBlockDelta":
                if self.open == nil, index == self.blocks.count {
                    // Blocks of text begin with their first delta.
                    self.seen.demand(json.object("delta")["toolUse"] == nil, "a call without a start")
                    self.open = index
                    self.blocks.append([:])
                }
                guard self.open == index, index >= 0 else {
                    return self.seen.demand(false, "a delta of block \(index)")
                }
                self.apply(json.object("delta"), to: index)
            case "contentBlockStop":
                self.seen.demand(self.open == index, "the end of block \(index)")
                self.open = nil
            case "messageStop":
                self.seen.demand(self.open == nil && json["stopReason"] is String, "messageStop's form or place")
                self.word = json.text("stopReason")
            case "metadata":
                self.seen.demand(last == "messageStop", "metadata before messageStop")
                self.count(json.object("usage"))
            default: self.seen.demand(false, "an event \(event.name)")
            }
        }

        private mutating func apply(_ delta: [String: Any], to place: Int) {
            if let text = delta["text"] as? String {
                self.blocks[place]["text"] = self.blocks[place].text("text") + text
            }
            if let piece = delta.object("toolUse")["input"] as? String { self.input[place, default: ""] += piece }
            if delta["citation"] != nil { self.seen.hasForeign = true }
            guard let reasoning = delta["reasoningContent"] as? [String: Any] else { return }
            var content = self.blocks[place].object("reasoningContent")
            if let redacted = reasoning["redactedContent"] as? String {
                content["redactedContent"] = content.text("redactedContent") + redacted
            } else {
                var text = content.object("reasoningText")
                text["text"] = text.text("text") + reasoning.text("text")
                if let signature = reasoning["signature"] as? String {
                    text["signature"] = text.text("signature") + signature
                }
                content["reasoningText"] = text
            }
            self.blocks[place]["reasoningContent"] = content
        }

        mutating func endStream() {
            for (place, block) in self.blocks.enumerated() {
                guard var use = block["toolUse"] as? [String: Any] else { continue }
                let text = self.input[place] ?? ""
                use["input"] = JSON.object(text) ?? (text.isEmpty ? [String: Any]() : text)
                self.blocks[place]["toolUse"] = use
            }
            if self.seen.error == nil {
                self.seen.demand(self.order.first == "messageStart", "no messageStart")
                self.seen.demand(self.order.contains("messageStop"), "no messageStop")
                self.seen.demand(self.order.last == "metadata", "no metadata at the end")
            }
            self.end()
        }

        /// Input beside what was read from and written to the cache.
        mutating func count(_ usage: [String: Any]) {
            guard let input = usage.number("inputTokens") else { return }
            let cached = usage.number("cacheReadInputTokens")
            self.seen.inputTokens = input + (cached ?? 0) + (usage.number("cacheWriteInputTokens") ?? 0)
            self.seen.outputTokens = usage.number("outputTokens")
            self.seen.cachedTokens = cached
        }

        mutating func end() {
            // A call with its result beside it was run by the provider.
            let own = Set(
                self.blocks.map { $0.object("toolUse") }.filter { $0.text("type") == "server_tool_use" }
                    .map { $0.text("toolUseId") })
            for block in self.blocks {
                if let text = block["text"] as? String { self.seen.text += text }
                if let use = block["toolUse"] as? [String: Any], !own.contains(use.text("toolUseId")) {
                    let input = use["input"]
                    self.seen.calls.append(
                        .init(
                            id: use.text("toolUseId"), name: use.text("name"),
                            arguments: input as? String ?? JSON.canonical(input ?? [String: Any]())))
                }
                let reasoning = block.object("reasoningContent").object("reasoningText")
                self.seen.reasoning += reasoning.text("text")
                if !reasoning.text("signature").isEmpty { self.seen.signatures.append(reasoning.text("signature")) }
                let redacted = block.object("reasoningContent").text("redactedContent")
                if !redacted.isEmpty { self.seen.signatures.append(redacted) }
                if let cited = block["citationsContent"] as? [String: Any] {
                    self.seen.text += PlainConversation.text(cited["content"])
                    self.seen.hasForeign = true
                }
                if block["toolResult"] != nil { self.seen.hasForeign = true }
            }
            self.seen.turn = [["role": "assistant", "content": self.blocks]]
            self.seen.stop =
                switch self.word {
                case "max_tokens", "model_context_window_exceeded": .length
                case "guardrail_intervened", "content_filtered": .refused
                default: self.seen.calls.isEmpty ? .end : .calls
                }
        }
    }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        for block in body.list("system") { self.read(block, "system", &said) }
        for tool in body.object("toolConfig").list("tools") {
            guard let spec = tool["toolSpec"] as? [String: Any] else { continue }
            said.tools[spec.text("name")] = PlainConversation.schema(spec.object("inputSchema")["json"])
        }
        for message in body.list("messages") {
            for block in message.list("content") { self.read(block, message.text("role"), &said) }
        }
        return said
    }

    private static func read(_ block: [String: Any], _ role: String, _ said: inout PlainConversation) {
        said.add(block.text("text"), role)
        said.add(block.object("guardContent").object("text").text("text"), role)
        said.add(PlainConversation.text(block.object("citationsContent")["content"]), role)
        for kind in ["image", "document", "video", "audio"] {
            let source = block.object(kind).object("source")
            if let bytes = source["bytes"] as? String {
                let format = block.object(kind).text("format")
                let isText = ["txt", "md", "csv", "html"].contains(format)
                said.addMedia(
                    base64: bytes, type: isText ? "text/" + format : format, role,
                    title: block.object(kind).text("name"))
            }
            if let uri = source.object("s3Location")["uri"] as? String { said.media.append(uri) }
            // A text document is text for those who have no documents.
            said.add(
                source.text("text") + PlainConversation.text(source["content"]), role,
                title: block.object(kind).text("name"))
        }
        // What names its type was called and answered by the provider itself.
        if let use = block["toolUse"] as? [String: Any], use["type"] == nil {
            said.addCall(.init(id: use.text("toolUseId"), name: use.text("name"), value: use["input"]))
        }
        if let result = block["toolResult"] as? [String: Any], result["type"] == nil {
            let parts = result.list("content")
            let json = parts.compactMap { $0["json"] }.first
            said.addResult(result.text("toolUseId"), json ?? PlainConversation.text(parts))
            for part in parts where part["text"] == nil && part["json"] == nil {
                said.hasMediaResults = true
                self.read(part, "user", &said)
            }
        }
        let reasoning = block.object("reasoningContent").object("reasoningText")
        if !reasoning.text("signature").isEmpty { said.signatures.append(reasoning.text("signature")) }
        let redacted = block.object("reasoningContent").text("redactedContent")
        if !redacted.isEmpty { said.signatures.append(redacted) }
    }

    static var okay: [String: Any] {
        [
            "output": ["message": ["role": "assistant", "content": [["text": "ok"]]] as [String: Any]],
            "stopReason": "end_turn", "usage": ["inputTokens": 1, "outputTokens": 1, "totalTokens": 2],
            "metrics": ["latencyMs": 1],
        ]
    }

    static var okayStream: Data {
        AmazonFrames.event("messageStart", #"{"role":"assistant"}"#)
            + AmazonFrames.event("contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"text":"ok"}}"#)
            + AmazonFrames.event("contentBlockStop", #"{"contentBlockIndex":0}"#)
            + AmazonFrames.event("messageStop", #"{"stopReason":"end_turn"}"#)
            + AmazonFrames.event(
                "metadata", #"{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}"#)
    }
}
