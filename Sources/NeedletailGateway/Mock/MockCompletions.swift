import HTTPTypes
import NIOCore
import NeedletailCore

/// OpenAI's legacy completions as the mock speaks them: <https://platform.openai.com/docs/api-reference/completions>.
enum MockCompletions: MockDialect {
    static var requestIDHeader: String { MockOpenAIChat.requestIDHeader }
    static var failureStatus: Int { MockOpenAIChat.failureStatus }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        method == "POST" && path.hasSuffix("/completions") && !path.hasSuffix("/chat/completions") ? .chat : nil
    }

    static func read(_ body: JSONView, path: String) throws(MockRefusal) -> MockPrompt {
        var prompt = MockPrompt()
        guard let model = body["model"]?.string, !model.isEmpty else {
            throw MockRefusal(400, "you must provide a model parameter")
        }
        prompt.model = model
        guard let given = body.present("prompt"), given.kind == .string || given.kind == .array else {
            throw MockRefusal(400, "Missing required parameter: 'prompt'.", parameter: "prompt")
        }
        prompt.lastText = given.string ?? given.elements.compactMap(\.string).joined(separator: " ")
        prompt.weigh(given)
        prompt.isStreaming = body["stream"]?.bool ?? false
        prompt.includesUsage = body["stream_options"]?["include_usage"]?.bool ?? false
        if let limit = body.present("max_tokens") {
            guard let limit = limit.int, limit >= 0 else {
                throw MockRefusal(
                    400, "Invalid 'max_tokens': integer below minimum value. Expected a value >= 0.",
                    parameter: "max_tokens")
            }
            prompt.maximumTokens = limit
        }
        prompt.choices = body.present("n")?.int ?? 1
        guard (1...128).contains(prompt.choices) else {
            throw MockRefusal(400, "Invalid 'n': must be between 1 and 128.", parameter: "n")
        }
        if let stop = body.present("stop") {
            prompt.stopSequences = stop.string.map { [$0] } ?? stop.elements.compactMap(\.string)
        }
        return prompt
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        Self.begin(answer, into: &json)
        json.key("choices")
        json.beginArray()
        for (index, choice) in answer.choices.enumerated() {
            var text = ""
            for case .text(let part) in choice.parts { text += part.string }
            json.beginObject()
            json.key("text")
            let start = json.bytes.readableBytes
            json.string(text)
            whole.text = whole.text ?? start..<json.bytes.readableBytes
            Self.end(index, choice.stop, into: &json)
        }
        json.endArray()
        whole.usage = json.bytes.readableBytes
        json.key("usage")
        MockOpenAIChat.usage(answer.usage, into: &json)
        json.endObject()
        whole.bytes = json.bytes
        return whole
    }

    /// Opens an object of a reply or stream.
    static func begin(_ answer: MockAnswer, into json: inout JSONWriter) {
        json.beginObject()
        json.member("id", "cmpl-mock-\(answer.id)")
        json.member("object", "text_completion")
        json.member("created", Int(answer.created))
        json.member("model", answer.model)
    }

    /// Closes a choice.
    static func end(_ index: Int, _ stop: MockAnswer.Stop?, into json: inout JSONWriter) {
        json.member("index", index)
        json.key("logprobs")
        json.null()
        json.key("finish_reason")
        if let stop { json.string(stop == .length ? "length" : "stop") } else { json.null() }
        json.endObject()
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter { MockCompletionsStream(answer) }
    /// There is no such call; never asked, since no operation claims one.
    static func tokenCount(_ tokens: Int) -> ByteBuffer { ByteBuffer(string: "{}") }
    static func modelList(_ names: [String]) -> ByteBuffer { MockOpenAIChat.modelList(names) }
    static func model(_ name: String) -> ByteBuffer { MockOpenAIChat.model(name) }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        MockOpenAIChat.failure(refusal, requestID: requestID)
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        MockOpenAIChat.streamFailure(refusal, requestID: requestID)
    }
}

/// A stream of `text_completion` objects.
struct MockCompletionsStream: MockStreamWriter {
    private let answer: MockAnswer

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin(let choice): self.choice("", choice, nil, into: &out)
        case .fragment(let text, .text, _, _, _, let choice): self.choice(text, choice, nil, into: &out)
        case .choiceEnd(let stop, let choice): self.choice("", choice, stop, into: &out)
        case .usage:
            guard self.answer.includesUsage else { return }
            self.chunk(into: &out) { json in
                json.key("choices")
                json.beginArray()
                json.endArray()
                json.key("usage")
                MockOpenAIChat.usage(self.answer.usage, into: &json)
            }
        case .done: out.writeString("data: [DONE]\n\n")
        case .partBegin, .fragment, .partEnd: break
        }
    }

    private func choice(_ text: String, _ index: Int, _ stop: MockAnswer.Stop?, into out: inout ByteBuffer) {
        self.chunk(into: &out) { json in
            json.key("choices")
            json.beginArray()
            json.beginObject()
            json.member("text", text)
            MockCompletions.end(index, stop, into: &json)
            json.endArray()
        }
    }

    private func chunk(into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        MockCompletions.begin(self.answer, into: &json)
        members(&json)
        json.endObject()
        out.writeString("data: ")
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\n\n")
    }
}
