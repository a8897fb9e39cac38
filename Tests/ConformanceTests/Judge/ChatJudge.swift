import Foundation

/// OpenAI's chat completions (<https://platform.openai.com/docs/api-reference/chat>), with what other servers of the
/// dialect add.
enum ChatJudge: Judge {
    static let shows: Set<Aspect> = [
        .reasoning, .signatures, .calls, .callIDs, .usage, .cachedTokens, .refusal, .looseArguments, .messages,
    ]

    static func path(model: String, isStreaming: Bool) -> String { "/v1/chat/completions" }

    static func request(isStreaming: Bool) -> [String: Any] {
        var request: [String: Any] = ["model": "m", "messages": [["role": "user", "content": "Hi"]]]
        if isStreaming {
            request["stream"] = true
            request["stream_options"] = ["include_usage": true]
        }
        return request
    }

    static func nextTurn(_ seen: SeenReply) -> [String: Any] {
        var request = self.request(isStreaming: false)
        if !seen.signatures.isEmpty { request["reasoning_effort"] = "low" }
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
        var reading = ChatReading()
        reading.seen.error = self.failure(json)
        reading.readUsage(json["usage"])
        let choice = json.list("choices").first ?? [:]
        let message = choice.object("message")
        reading.word = choice["finish_reason"] as? String
        reading.readPart(message)
        reading.end()
        reading.seen.turn = [message]
        return reading.seen
    }

    static func stream(_ data: Data) -> SeenReply {
        var reading = ChatReading()
        let events = self.events(data).filter { $0.kind != .empty }
        var first: Int?
        var hasRole = false
        for event in events {
            let json = event.json
            reading.seen.error = reading.seen.error ?? self.failure(json)
            if json.isEmpty || reading.seen.error != nil { continue }
            reading.seen.demand(
                json.text("object") == "chat.completion.chunk" && json["id"] is String && json["created"] is Int
                    && json["choices"] is [Any] && event.name.isEmpty, "a chunk's form: \(json)")
            reading.readUsage(json.object("x_groq")["usage"])
            reading.readUsage(json["usage"])
            for choice in json.list("choices") {
                let index = choice.number("index") ?? 0
                first = first ?? index
                guard index == first else { continue }
                let delta = choice.object("delta")
                if delta["role"] != nil { hasRole = true }
                // What comes after a choice's end repeats it.
                if reading.word == nil {
                    reading.readPart(delta)
                } else {
                    reading.seen.demand(
                        delta.isEmpty || delta.keys.allSatisfy { $0 == "role" || $0 == "content" },
                        "content after the end")
                }
                if let word = choice["finish_reason"] as? String, !word.isEmpty, reading.word == nil {
                    reading.word = word
                }
            }
        }
        reading.end()
        if reading.seen.error == nil {
            reading.seen.demand(reading.word != nil, "no finish_reason")
            reading.seen.demand(hasRole, "no role")
            reading.seen.demand(events.last?.isLast == true, "no [DONE] at the end")
        }
        reading.seen.turn = [reading.turn]
        return reading.seen
    }

    static func events(_ data: Data) -> [RawEvent] {
        self.sse(data) { event in
            event.makesWhole = event.json.list("choices").contains { $0["finish_reason"] is String }
        }
    }

    static func failure(_ json: [String: Any]) -> String? {
        if let error = json["error"] as? [String: Any] { return error.text("message") }
        return json["error"] as? String
    }

    static func failureFaults(_ reply: ClientReply) -> [String] {
        let error = reply.error
        let isKept =
            error["type"] is String && error["message"] is String && error.keys.contains("code")
            && error.keys.contains("param") && reply.json["type"] == nil
        return isKept ? [] : ["OpenAI's error: \(reply.text)"]
    }

    // MARK: Requests

    static func conversation(_ body: [String: Any]) -> PlainConversation {
        var said = PlainConversation()
        for tool in body.list("tools") {
            let function = tool.object("function")
            if let name = function["name"] as? String {
                said.tools[name] = PlainConversation.schema(function["parameters"])
            }
        }
        for function in body.list("functions") {
            if let name = function["name"] as? String {
                said.tools[name] = PlainConversation.schema(function["parameters"])
            }
        }
        var last = ""
        for message in body.list("messages") {
            let role = message.text("role")
            switch role {
            case "tool", "function":
                said.addResult(message["tool_call_id"] as? String ?? last, message["content"])
                if self.readMedia(message["content"], role, into: &said) { said.hasMediaResults = true }
            case "assistant":
                var reading = ChatReading()
                reading.readPart(message)
                reading.end()
                for call in reading.seen.calls { said.addCall(call) }
                said.signatures += reading.seen.signatures
                said.add(reading.seen.text, role)
                last = said.calls.last?.id ?? last
            default:
                said.add(PlainConversation.text(message["content"]), role)
                _ = self.readMedia(message["content"], role, into: &said)
            }
        }
        return said
    }

    /// - Returns: Whether there were any.
    private static func readMedia(_ content: Any?, _ role: String, into said: inout PlainConversation) -> Bool {
        let before = said.media.count
        for part in content as? [[String: Any]] ?? [] {
            if let url = part.object("image_url")["url"] as? String ?? part["image_url"] as? String {
                said.addMedia(url, role)
            }
            for key in ["file_data", "file_id"] {
                if let value = part.object("file")[key] as? String {
                    said.addMedia(value, role, title: part.object("file").text("filename"))
                }
            }
            if let sound = part.object("input_audio")["data"] as? String { said.media.append(sound) }
        }
        return said.media.count > before
    }

    static var okay: [String: Any] {
        [
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [
                ["index": 0, "message": ["role": "assistant", "content": "ok"], "finish_reason": "stop"]
                    as [String: Any]
            ],
        ]
    }

    static var okayStream: Data {
        Data(
            (#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"#
                + #""delta":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n")
                .utf8)
    }
}

/// A message of OpenAI's chat, whole or as it grows.
struct ChatReading {
    var seen = SeenReply()
    /// The `finish_reason`.
    var word: String?
    private var refusal = ""
    private var partial: [Int: SeenReply.Call] = [:]
    private var order: [Int] = []
    /// The free text of calls that take it, by index.
    private var inputs: [Int: String] = [:]
    private var thinkingBlocks: [[String: Any]] = []
    /// What stands beside a call, by index.
    private var callProofs: [Int: Any] = [:]

    mutating func readPart(_ part: [String: Any]) {
        if let text = part["content"] as? String { self.seen.text += text }
        for piece in part.list("content") {
            self.seen.text += piece.text("text")
            self.refusal += piece.text("refusal")
            self.seen.reasoning += piece.text("thinking")
            for inner in piece.list("thinking") { self.seen.reasoning += inner.text("text") }
        }
        self.refusal += part.text("refusal")
        let blocks = part.list("thinking_blocks")
        for block in blocks {
            self.thinkingBlocks.append(block)
            // What is redacted is as much its provider's as a signature.
            let signature = block["data"] as? String ?? block.text("signature")
            if !signature.isEmpty { self.seen.signatures.append(signature) }
        }
        let details = part.list("reasoning_details")
        for detail in details where blocks.isEmpty {
            let signature = detail["data"] as? String ?? detail.text("signature")
            if !signature.isEmpty { self.seen.signatures.append(signature) }
        }
        if let words = ["reasoning_content", "reasoning"].map({ part.text($0) }).first(where: { !$0.isEmpty }) {
            self.seen.reasoning += words
        } else {
            for detail in details {
                self.seen.reasoning += detail["text"] as? String ?? detail.text("summary")
            }
        }
        var calls = part.list("tool_calls")
        if let legacy = part["function_call"] as? [String: Any] { calls.append(["index": 0, "function": legacy]) }
        for (position, call) in calls.enumerated() { self.readCall(call, position) }
    }

    private mutating func readCall(_ json: [String: Any], _ position: Int) {
        let index = json.number("index") ?? position
        if self.partial[index] == nil { self.order.append(index) }
        var call = self.partial[index] ?? SeenReply.Call()
        if !json.text("id").isEmpty { call.id = json.text("id") }
        // Google's own place for the signature of a call.
        let proof = json.object("extra_content").object("google").text("thought_signature")
        if !proof.isEmpty {
            self.seen.signatures.append(proof)
            self.callProofs[index] = json["extra_content"]
        }
        let function = json.object("function")
        if !function.text("name").isEmpty { call.name = function.text("name") }
        call.arguments += function.text("arguments")
        if let object = function["arguments"] as? [String: Any] { call.arguments = JSON.canonical(object) }
        if function.text("name").isEmpty, let custom = json["custom"] as? [String: Any] {
            call.name += custom.text("name")
            self.inputs[index, default: ""] += custom.text("input")
            call.arguments = SeenReply.Call.free(self.inputs[index] ?? "")
        }
        self.partial[index] = call
    }

    mutating func end() {
        self.seen.calls = self.order.compactMap { self.partial[$0] }
            .map { SeenReply.Call(id: $0.id, name: $0.name, text: $0.arguments) }
            // Some servers write every field of OpenAI's form, a call without a name too.
            .filter { !$0.name.isEmpty }
        self.seen.text += self.refusal
        self.seen.stop =
            switch self.word {
            case "length", "max_tokens", "model_length": .length
            case "content_filter", "refusal": .refused
            default: self.seen.calls.isEmpty ? self.refusal.isEmpty ? .end : .refused : .calls
            }
    }

    /// The message to send back for what was streamed.
    var turn: [String: Any] {
        var turn: [String: Any] = ["role": "assistant", "content": self.seen.text]
        if !self.seen.reasoning.isEmpty { turn["reasoning_content"] = self.seen.reasoning }
        if !self.thinkingBlocks.isEmpty { turn["thinking_blocks"] = self.thinkingBlocks }
        if !self.seen.calls.isEmpty {
            turn["tool_calls"] = self.seen.calls.enumerated().map { place, call -> [String: Any] in
                var json: [String: Any] = [
                    "id": call.id, "type": "function", "function": ["name": call.name, "arguments": call.arguments],
                ]
                json["extra_content"] = place < self.order.count ? self.callProofs[self.order[place]] : nil
                return json
            }
        }
        return turn
    }

    mutating func readUsage(_ value: Any?) {
        guard let usage = value as? [String: Any] else { return }
        if let input = usage.number("prompt_tokens") { self.seen.inputTokens = input }
        let cached =
            usage.object("prompt_tokens_details").number("cached_tokens") ?? usage.number("prompt_cache_hit_tokens")
            ?? usage.number("cached_tokens")
        if let cached { self.seen.cachedTokens = min(cached, self.seen.inputTokens ?? cached) }
        guard let output = usage.number("completion_tokens") else { return }
        self.seen.outputTokens = output
        // xAI counts reasoning beside the completion, and only the total tells.
        if let total = usage.number("total_tokens"),
            let reasoning = usage.object("completion_tokens_details").number("reasoning_tokens"), reasoning > 0,
            total == (self.seen.inputTokens ?? 0) + output + reasoning
        {
            self.seen.outputTokens = output + reasoning
        }
    }
}
