import HTTPTypes
import NIOCore
import NeedletailCore

/// Cohere chat, version 2, as the mock speaks it: <https://docs.cohere.com/reference/chat>.
enum MockCohere: MockDialect {
    static var requestIDHeader: String { "x-debug-trace-id" }
    static var failureStatus: Int { 500 }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        method == "POST" && path.hasSuffix("/v2/chat") ? .chat : nil
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        let choice = answer.choices.first ?? MockAnswer.Choice(parts: [], stop: .end)
        var json = JSONWriter()
        json.beginObject()
        json.member("id", "mock-\(answer.id)")
        json.key("message")
        json.beginObject()
        json.member("role", "assistant")
        var isOpen = false
        for part in choice.parts {
            if case .toolCall = part { continue }
            if case .reasoning(_, _, true) = part { continue }
            if !isOpen {
                json.key("content")
                json.beginArray()
                isOpen = true
            }
            let type: StaticString = if case .reasoning = part { "thinking" } else { "text" }
            json.beginObject()
            json.member("type", type.description)
            json.key(type)
            let start = json.bytes.readableBytes
            json.string(part.text.string)
            if case .reasoning = part {
                whole.thinking = MockWhole.middle(start, json)
            } else {
                whole.text = start..<json.bytes.readableBytes
            }
            json.endObject()
        }
        if isOpen { json.endArray() }
        isOpen = false
        for case .toolCall(let id, let name, let arguments, _) in choice.parts {
            if !isOpen {
                json.key("tool_calls")
                json.beginArray()
                isOpen = true
            }
            json.beginObject()
            json.member("id", "\(name)_\(id)")
            json.member("type", "function")
            json.key("function")
            json.beginObject()
            json.member("name", name)
            json.key("arguments")
            let start = json.bytes.readableBytes
            json.string(arguments.string)
            whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
            json.endObject()
            json.endObject()
        }
        if isOpen { json.endArray() }
        json.endObject()
        json.member("finish_reason", Self.finishReason(choice.stop))
        whole.usage = json.bytes.readableBytes
        json.key("usage")
        Self.usage(answer.usage, into: &json)
        json.endObject()
        whole.bytes = json.bytes
        return whole
    }

    static func finishReason(_ stop: MockAnswer.Stop) -> String {
        switch stop {
        case .end: "COMPLETE"
        case .length: "MAX_TOKENS"
        case .toolCalls: "TOOL_CALL"
        case .sequence: "STOP_SEQUENCE"
        }
    }

    static func usage(_ usage: MockUsage, into json: inout JSONWriter) {
        json.beginObject()
        for key: StaticString in ["billed_units", "tokens"] {
            json.key(key)
            json.beginObject()
            json.member("input_tokens", usage.input)
            json.member("output_tokens", usage.output)
            if key.description == "tokens", usage.reasoning > 0 { json.member("reasoning_tokens", usage.reasoning) }
            json.endObject()
        }
        json.member("cached_tokens", usage.cached)
        json.endObject()
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter { MockCohereStream(answer) }

    /// Cohere has no such call; never asked, since no operation claims one.
    static func tokenCount(_ tokens: Int) -> ByteBuffer { ByteBuffer(string: "{}") }

    static func modelList(_ names: [String]) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("models")
        json.beginArray()
        for name in names { json.raw(JSONText(unchecked: Self.model(name))) }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    static func model(_ name: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("name", name)
        json.key("endpoints")
        json.beginArray()
        json.string("chat")
        json.endArray()
        json.endObject()
        return json.bytes
    }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("id", requestID)
        json.member("message", refusal.message)
        json.endObject()
        return json.bytes
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var out = ByteBuffer()
        MockCohereStream.event("message-end", into: &out) { json in
            json.key("delta")
            json.beginObject()
            json.member("error", refusal.message)
            json.member("finish_reason", "ERROR")
            json.endObject()
        }
        return out
    }

    // MARK: Requests

    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        guard let model = body["model"]?.string, !model.isEmpty else {
            throw MockRefusal(400, "invalid request: model is required.")
        }
        prompt.model = model
        prompt.isStreaming = body["stream"]?.bool ?? false
        if let limit = body.present("max_tokens") {
            guard let limit = limit.int, limit >= 0 else {
                throw MockRefusal(400, "invalid request: max_tokens must be a whole number.")
            }
            prompt.maximumTokens = limit
        }
        prompt.stopSequences = (body.present("stop_sequences") ?? body).elements.compactMap(\.string)
        prompt.isThinking = body["thinking"]?["type"]?.string == "enabled"
        if body["response_format"]?["type"]?.string == "json_object" {
            prompt.output = (body["response_format"]?.present("json_schema")).map { .schema($0) } ?? .object
        }
        for document in (body.present("documents") ?? body).elements {
            prompt.weigh(document)
            prompt.documentCount += 1
        }
        try Self.messages(body, into: &prompt)
        for tool in (body.present("tools") ?? body).elements {
            prompt.weigh(tool)
            guard let name = tool["function"]?["name"]?.string else { continue }
            prompt.tools.append(.init(name: name, schema: tool["function"]?.present("parameters")))
        }
        switch body["tool_choice"]?.string {
        case "REQUIRED": prompt.toolChoice = .required
        case "NONE": prompt.toolChoice = .none
        default: break
        }
        return prompt
    }

    private static func messages(_ body: JSONView, into prompt: inout MockPrompt) throws(MockRefusal) {
        var count = 0
        for message in (body.present("messages") ?? body).elements {
            count += 1
            guard let role = message["role"]?.string, ["system", "user", "assistant", "tool"].contains(role) else {
                throw MockRefusal(400, "invalid request: message must have a role of user, assistant, system or tool.")
            }
            if role == "tool", message["tool_call_id"]?.string == nil {
                throw MockRefusal(400, "invalid request: tool_call_id is required.")
            }
            var text = message["content"]?.string ?? ""
            prompt.weigh(text)
            for part in (message.present("content") ?? body).elements {
                if part["type"]?.string == "image_url" { prompt.imageCount += 1 }
                guard let piece = part["text"]?.string else { continue }
                prompt.weigh(piece)
                text += piece
            }
            if role == "user" || role == "tool" { prompt.lastText = text }
            prompt.answersTools = role == "tool"
            if let calls = message.present("tool_calls") { prompt.weigh(calls) }
        }
        guard count > 0 else { throw MockRefusal(400, "invalid request: at least one message is required.") }
    }
}

/// A stream of named events.
struct MockCohereStream: MockStreamWriter {
    private let answer: MockAnswer
    private var contents = 0
    private var calls = 0
    private var stop = MockAnswer.Stop.end

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin(let choice) where choice == 0:
            Self.event("message-start", into: &out) { json in
                json.member("id", "mock-\(self.answer.id)")
                Self.message(into: &json) { json in
                    json.member("role", "assistant")
                    for key: StaticString in ["content", "tool_calls", "citations"] {
                        json.key(key)
                        json.beginArray()
                        json.endArray()
                    }
                    json.member("tool_plan", "")
                }
            }
        case .partBegin(let part, _, let choice) where choice == 0: self.start(part, into: &out)
        case .fragment(let text, let part, _, _, _, let choice) where choice == 0: self.delta(text, part, into: &out)
        case .partEnd(let part, _, let choice) where choice == 0: self.end(part, into: &out)
        case .choiceEnd(let stop, let choice): if choice == 0 { self.stop = stop }
        case .usage:
            Self.event("message-end", into: &out) { json in
                json.key("delta")
                json.beginObject()
                json.member("finish_reason", MockCohere.finishReason(self.stop))
                json.key("usage")
                MockCohere.usage(self.answer.usage, into: &json)
                json.endObject()
            }
        case .done: out.writeString("data: [DONE]\n\n")
        case .begin, .partBegin, .fragment, .partEnd: break
        }
    }

    private func start(_ part: MockAnswer.Part, into out: inout ByteBuffer) {
        switch part {
        case .reasoning(_, _, true): break
        case .reasoning, .text:
            let type: StaticString = if case .text = part { "text" } else { "thinking" }
            Self.event("content-start", into: &out) { json in
                json.member("index", self.contents)
                Self.message(into: &json) { json in
                    json.key("content")
                    json.beginObject()
                    json.member("type", type.description)
                    json.member(type, "")
                    json.endObject()
                }
            }
        case .toolCall(let id, let name, _, _):
            Self.event("tool-call-start", into: &out) { json in
                json.member("index", self.calls)
                Self.message(into: &json) { json in
                    json.key("tool_calls")
                    json.beginObject()
                    json.member("id", "\(name)_\(id)")
                    json.member("type", "function")
                    json.key("function")
                    json.beginObject()
                    json.member("name", name)
                    json.member("arguments", "")
                    json.endObject()
                    json.endObject()
                }
            }
        }
    }

    private func delta(_ text: String, _ part: MockAnswer.Part, into out: inout ByteBuffer) {
        switch part {
        case .reasoning(_, _, true): break
        case .reasoning, .text:
            let type: StaticString = if case .text = part { "text" } else { "thinking" }
            Self.event("content-delta", into: &out) { json in
                json.member("index", self.contents)
                Self.message(into: &json) { json in
                    json.key("content")
                    json.beginObject()
                    json.member(type, text)
                    json.endObject()
                }
            }
        case .toolCall:
            Self.event("tool-call-delta", into: &out) { json in
                json.member("index", self.calls)
                Self.message(into: &json) { json in
                    json.key("tool_calls")
                    json.beginObject()
                    json.key("function")
                    json.beginObject()
                    json.member("arguments", text)
                    json.endObject()
                    json.endObject()
                }
            }
        }
    }

    private mutating func end(_ part: MockAnswer.Part, into out: inout ByteBuffer) {
        switch part {
        case .reasoning(_, _, true): break
        case .reasoning, .text:
            Self.event("content-end", into: &out) { $0.member("index", self.contents) }
            self.contents += 1
        case .toolCall:
            Self.event("tool-call-end", into: &out) { $0.member("index", self.calls) }
            self.calls += 1
        }
    }

    private static func message(into json: inout JSONWriter, _ members: (inout JSONWriter) -> Void) {
        json.key("delta")
        json.beginObject()
        json.key("message")
        json.beginObject()
        members(&json)
        json.endObject()
        json.endObject()
    }

    static func event(_ type: StaticString, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", type.description)
        members(&json)
        json.endObject()
        out.writeString("event: \(type)\ndata: ")
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\n\n")
    }
}
