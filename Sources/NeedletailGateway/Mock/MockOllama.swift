import HTTPTypes
import NIOCore
import NeedletailCore

/// Ollama as the mock speaks it: <https://docs.ollama.com/api>. The two dialects differ in where the text is.
protocol MockOllamaDialect: MockDialect {
    /// Whether messages are asked and answered, instead of a prompt.
    static var hasMessages: Bool { get }
}

/// Ollama's chat.
enum MockOllamaChat: MockOllamaDialect {
    static var hasMessages: Bool { true }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        switch (method, path) {
        case ("POST", let path) where path.hasSuffix("/api/chat"): .chat
        case ("GET", let path) where path.hasSuffix("/api/tags"): .listModels
        default: nil
        }
    }
}

/// Ollama's completion.
enum MockOllamaGenerate: MockOllamaDialect {
    static var hasMessages: Bool { false }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        method == "POST" && path.hasSuffix("/api/generate") ? .chat : nil
    }
}

extension MockOllamaDialect {
    static var requestIDHeader: String { "x-request-id" }
    static var failureStatus: Int { 500 }
    static var streamContentType: String { "application/x-ndjson" }
    static var garbage: ByteBuffer { ByteBuffer(string: "{\"mock garbage\": [}\n") }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        Self.begin(answer, into: &json)
        if Self.hasMessages {
            json.key("message")
            json.beginObject()
            json.member("role", "assistant")
        }
        let choice = answer.choices.first ?? MockAnswer.Choice(parts: [], stop: .end)
        json.key(Self.hasMessages ? "content" : "response")
        let start = json.bytes.readableBytes
        var text = ""
        for case .text(let part) in choice.parts { text += part.string }
        json.string(text)
        whole.text = start..<json.bytes.readableBytes
        for case .reasoning(let reasoning, _, let isHidden) in choice.parts where !isHidden {
            json.key("thinking")
            let start = json.bytes.readableBytes
            json.string(reasoning.string)
            whole.thinking = MockWhole.middle(start, json)
        }
        if Self.hasMessages {
            var isOpen = false
            for case .toolCall(let id, let name, let arguments, _) in choice.parts {
                if !isOpen {
                    json.key("tool_calls")
                    json.beginArray()
                    isOpen = true
                }
                let start = json.bytes.readableBytes
                Self.call(id, name, arguments, into: &json)
                whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
            }
            if isOpen { json.endArray() }
            json.endObject()
        }
        whole.usage = json.bytes.readableBytes
        Self.end(choice.stop, answer, into: &json)
        whole.bytes = json.bytes
        return whole
    }

    /// Opens an object of a reply or stream.
    static func begin(_ answer: MockAnswer, into json: inout JSONWriter) {
        json.beginObject()
        json.member("model", answer.model)
        json.member("created_at", HTTPDate.internetText(answer.created))
    }

    /// Closes the last one, with what was spent.
    static func end(_ stop: MockAnswer.Stop, _ answer: MockAnswer, into json: inout JSONWriter) {
        json.member("done", true)
        json.member("done_reason", stop == .length ? "length" : "stop")
        json.member("total_duration", 160_000_000)
        json.member("load_duration", 1_000_000)
        json.member("prompt_eval_count", answer.usage.input)
        json.member("prompt_eval_duration", 50_000_000)
        json.member("eval_count", answer.usage.output)
        json.member("eval_duration", 100_000_000)
        json.endObject()
    }

    /// A call; the arguments are an object.
    static func call(_ id: String, _ name: String, _ arguments: MockText, into json: inout JSONWriter) {
        json.beginObject()
        json.member("id", "call_\(id)")
        json.key("function")
        json.beginObject()
        json.member("name", name)
        json.key("arguments")
        json.raw((try? JSONText(arguments.string)) ?? JSONText(string: arguments.string))
        json.endObject()
        json.endObject()
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockOllamaStream(answer, Self.self)
    }

    /// Ollama has no such call; never asked, since no operation claims one.
    static func tokenCount(_ tokens: Int) -> ByteBuffer { ByteBuffer(string: "{}") }

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
        json.member("name", name)
        json.member("model", name)
        json.member("modified_at", "2023-11-14T22:13:20Z")
        json.member("size", 1)
        json.member("digest", "mock")
        json.key("details")
        json.beginObject()
        json.member("format", "gguf")
        json.member("family", "mock")
        json.endObject()
        json.endObject()
    }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("error", refusal.message)
        json.endObject()
        return json.bytes
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var bytes = Self.failure(refusal, requestID: requestID)
        bytes.writeString("\n")
        return bytes
    }
}

/// A stream of objects, one a line. A call comes whole.
struct MockOllamaStream: MockStreamWriter {
    private let answer: MockAnswer
    private let dialect: any MockOllamaDialect.Type
    private var stop = MockAnswer.Stop.end

    init(_ answer: MockAnswer, _ dialect: any MockOllamaDialect.Type) {
        self.answer = answer
        self.dialect = dialect
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .fragment(let text, .text, _, _, _, let choice) where choice == 0:
            self.line(into: &out) { self.text(text, thinking: nil, into: &$0) }
        case .fragment(let text, .reasoning(_, _, let isHidden), _, _, _, let choice) where choice == 0 && !isHidden:
            self.line(into: &out) { self.text("", thinking: text, into: &$0) }
        case .partEnd(.toolCall(let id, let name, let arguments, _), _, let choice) where choice == 0:
            self.line(into: &out) { json in
                json.key("message")
                json.beginObject()
                json.member("role", "assistant")
                json.member("content", "")
                json.key("tool_calls")
                json.beginArray()
                self.dialect.call(id, name, arguments, into: &json)
                json.endArray()
                json.endObject()
            }
        case .choiceEnd(let stop, let choice): if choice == 0 { self.stop = stop }
        case .done:
            var json = JSONWriter()
            self.dialect.begin(self.answer, into: &json)
            self.text("", thinking: nil, into: &json)
            self.dialect.end(self.stop, self.answer, into: &json)
            out.writeImmutableBuffer(json.bytes)
            out.writeString("\n")
        case .begin, .partBegin, .fragment, .partEnd, .usage: break
        }
    }

    private func text(_ text: String, thinking: String?, into json: inout JSONWriter) {
        guard self.dialect.hasMessages else {
            json.member("response", text)
            json.member("thinking", thinking)
            return
        }
        json.key("message")
        json.beginObject()
        json.member("role", "assistant")
        json.member("content", text)
        json.member("thinking", thinking)
        json.endObject()
    }

    private func line(into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        self.dialect.begin(self.answer, into: &json)
        members(&json)
        json.member("done", false)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\n")
    }
}
