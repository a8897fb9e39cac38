import HTTPTypes
import NIOCore
import NeedletailCore

/// Gemini's generateContent as the mock speaks it. Streams are always server-sent events.
///
/// <https://ai.google.dev/api/generate-content>
enum MockGemini: MockDialect {
    static var requestIDHeader: String { "x-request-id" }
    static var failureStatus: Int { 503 }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        if method == "POST" {
            switch Self.parts(path)?.method {
            case "generateContent", "streamGenerateContent": return .chat
            case "countTokens": return .countTokens
            default: return nil
            }
        }
        guard method == "GET",
            path.hasPrefix("/v1beta/") || headers.contains(where: { $0.name.canonicalName == "x-goog-api-key" })
        else { return nil }
        return MockModelPath.operation(path)
    }

    static func target(path: String) -> (model: String, isStreaming: Bool)? {
        Self.parts(path).map { ($0.model, $0.method == "streamGenerateContent") }
    }

    /// `/v1beta/models/NAME:METHOD` taken apart.
    private static func parts(_ path: String) -> (model: String, method: Substring)? {
        guard case .model(let name)? = MockModelPath.operation(path), let colon = name.lastIndex(of: ":") else {
            return nil
        }
        return (String(name[..<colon]), name[name.index(after: colon)...])
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        json.beginObject()
        json.key("candidates")
        json.beginArray()
        for (index, choice) in answer.choices.enumerated() {
            json.beginObject()
            json.key("content")
            json.beginObject()
            json.key("parts")
            json.beginArray()
            for part in choice.parts { Self.part(part, of: answer.model, into: &json, &whole) }
            json.endArray()
            json.member("role", "model")
            json.endObject()
            json.member("finishReason", Self.finishReason(choice.stop))
            json.member("index", index)
            json.endObject()
        }
        json.endArray()
        whole.usage = json.bytes.readableBytes
        Self.ending(answer, hasUsage: true, into: &json)
        json.endObject()
        whole.bytes = json.bytes
        return whole
    }

    private static func part(
        _ part: MockAnswer.Part, of model: String, into json: inout JSONWriter, _ whole: inout MockWhole
    ) {
        let start = json.bytes.readableBytes
        switch part {
        case .text(let text):
            json.beginObject()
            json.key("text")
            let start = json.bytes.readableBytes
            json.string(text.string)
            whole.text = whole.text ?? start..<json.bytes.readableBytes
            json.endObject()
        case .reasoning(let text, _, let isHidden):
            guard !isHidden else { return }
            Self.text(text.string, isThought: true, into: &json)
            whole.thinking = whole.thinking ?? MockWhole.middle(start, json)
        case .toolCall(let id, let name, let arguments, _):
            Self.call(id, name, arguments.string, of: model, into: &json)
            whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
        }
    }

    static func text(_ text: String, isThought: Bool, into json: inout JSONWriter) {
        json.beginObject()
        json.member("text", text)
        if isThought { json.member("thought", true) }
        json.endObject()
    }

    /// Whether a model signs its calls, and demands the signatures back.
    static func signsCalls(_ model: String) -> Bool { model.contains("gemini-3") }

    /// What a call's signature stands for.
    static func signedText(_ call: JSONView) -> String { "call " + (call["name"]?.string ?? "") }

    static func call(
        _ id: String, _ name: String, _ arguments: String, of model: String, into json: inout JSONWriter
    ) {
        json.beginObject()
        json.key("functionCall")
        json.beginObject()
        json.member("id", id)
        json.member("name", name)
        json.key("args")
        // A script may give what is no JSON; a message is JSON all the same.
        if let input = try? JSONText(arguments) { json.raw(input) } else { json.string(arguments) }
        json.endObject()
        if Self.signsCalls(model) { json.member("thoughtSignature", MockSigner.google.sign("call " + name)) }
        json.endObject()
    }

    /// What replies and chunks end with.
    static func ending(_ answer: MockAnswer, hasUsage: Bool, into json: inout JSONWriter) {
        if hasUsage {
            let usage = answer.usage
            json.key("usageMetadata")
            json.beginObject()
            json.member("promptTokenCount", usage.input)
            json.member("candidatesTokenCount", max(0, usage.output &- usage.reasoning))
            json.member("totalTokenCount", usage.input &+ usage.output)
            if usage.cached > 0 { json.member("cachedContentTokenCount", usage.cached) }
            if usage.reasoning > 0 { json.member("thoughtsTokenCount", usage.reasoning) }
            json.endObject()
        }
        json.member("modelVersion", answer.model)
        json.member("responseId", "mock-\(answer.id)")
    }

    static func finishReason(_ stop: MockAnswer.Stop) -> String {
        switch stop {
        case .end, .sequence, .toolCalls: "STOP"
        case .length: "MAX_TOKENS"
        }
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockGeminiStream(answer)
    }

    static func tokenCount(_ tokens: Int) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("totalTokens", tokens)
        json.endObject()
        return json.bytes
    }

    static func modelList(_ names: [String]) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("models")
        json.beginArray()
        for name in names { Self.model(name, into: &json) }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    static func model(_ name: String) -> ByteBuffer {
        var json = JSONWriter()
        Self.model(name, into: &json)
        return json.bytes
    }

    private static func model(_ name: String, into json: inout JSONWriter) {
        json.beginObject()
        json.member("name", "models/\(name)")
        json.member("version", "001")
        json.member("displayName", name)
        json.key("supportedGenerationMethods")
        json.beginArray()
        json.string("generateContent")
        json.string("countTokens")
        json.endArray()
        json.endObject()
    }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.beginObject()
        json.member("code", refusal.status)
        json.member("message", refusal.message)
        json.member("status", Self.status(refusal.status))
        json.endObject()
        json.endObject()
        return json.bytes
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var bytes = ByteBuffer(string: "data: ")
        bytes.writeImmutableBuffer(Self.failure(refusal, requestID: requestID))
        bytes.writeString("\r\n\r\n")
        return bytes
    }

    /// <https://ai.google.dev/gemini-api/docs/troubleshooting>
    private static func status(_ status: Int) -> String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 429: "RESOURCE_EXHAUSTED"
        case 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        case 500...: "INTERNAL"
        default: "INVALID_ARGUMENT"
        }
    }
}

/// A stream of `GenerateContentResponse` objects.
struct MockGeminiStream: MockStreamWriter {
    private let answer: MockAnswer
    private var arguments = ""
    /// The ends of the choices, which come with the usage.
    private var stops: [(choice: Int, stop: MockAnswer.Stop)] = []

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin, .done: break
        case .partBegin: self.arguments = ""
        case .fragment(let text, .toolCall, _, _, _, _): self.arguments += text
        case .fragment(let text, .text, _, _, _, let choice):
            self.part(choice, into: &out) { MockGemini.text(text, isThought: false, into: &$0) }
        case .fragment(let text, .reasoning(_, _, let isHidden), _, _, _, let choice):
            guard !isHidden else { return }
            self.part(choice, into: &out) { MockGemini.text(text, isThought: true, into: &$0) }
        case .partEnd(.toolCall(let id, let name, _, _), _, let choice):
            let arguments = self.arguments
            let model = self.answer.model
            self.part(choice, into: &out) { MockGemini.call(id, name, arguments, of: model, into: &$0) }
        case .partEnd: break
        case .choiceEnd(let stop, let choice): self.stops.append((choice, stop))
        case .usage:
            self.chunk(hasUsage: true, into: &out) { json in
                for (choice, stop) in self.stops {
                    Self.candidate(choice, into: &json) {
                        MockGemini.text("", isThought: false, into: &$0)
                    } ending: {
                        $0.member("finishReason", MockGemini.finishReason(stop))
                    }
                }
            }
        }
    }

    private func part(_ choice: Int, into out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        self.chunk(hasUsage: false, into: &out) { Self.candidate(choice, into: &$0, body) { _ in } }
    }

    private static func candidate(
        _ choice: Int,
        into json: inout JSONWriter,
        _ body: (inout JSONWriter) -> Void,
        ending: (inout JSONWriter) -> Void
    ) {
        json.beginObject()
        json.key("content")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        body(&json)
        json.endArray()
        json.member("role", "model")
        json.endObject()
        ending(&json)
        json.member("index", choice)
        json.endObject()
    }

    private func chunk(hasUsage: Bool, into out: inout ByteBuffer, _ candidates: (inout JSONWriter) -> Void) {
        out.writeString("data: ")
        var json = JSONWriter()
        json.beginObject()
        json.key("candidates")
        json.beginArray()
        candidates(&json)
        json.endArray()
        MockGemini.ending(self.answer, hasUsage: hasUsage, into: &json)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\r\n\r\n")
    }
}
