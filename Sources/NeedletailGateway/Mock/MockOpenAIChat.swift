import HTTPTypes
import NIOCore
import NeedletailCore

/// OpenAI chat completions as the mock speaks them.
///
/// <https://platform.openai.com/docs/api-reference/chat>
enum MockOpenAIChat: MockDialect {
    static var requestIDHeader: String { "x-request-id" }
    static var failureStatus: Int { 500 }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        if method == "POST" { return path.hasSuffix("/chat/completions") ? .chat : nil }
        guard method == "GET" else { return nil }
        return MockModelPath.operation(path)
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        json.beginObject()
        json.member("id", "chatcmpl-mock-\(answer.id)")
        json.member("object", "chat.completion")
        json.member("created", Int(answer.created))
        json.member("model", answer.model)
        json.key("choices")
        json.beginArray()
        for (index, choice) in answer.choices.enumerated() {
            json.beginObject()
            json.member("index", index)
            json.key("message")
            Self.message(choice, answer, into: &json, &whole)
            json.key("logprobs")
            json.null()
            json.member("finish_reason", Self.finishReason(choice.stop, answer))
            json.endObject()
        }
        json.endArray()
        whole.usage = json.bytes.readableBytes
        json.key("usage")
        Self.usage(answer.usage, into: &json)
        json.member("service_tier", "default")
        json.member("system_fingerprint", "fp_mock")
        json.endObject()
        whole.bytes = json.bytes
        return whole
    }

    private static func message(
        _ choice: MockAnswer.Choice,
        _ answer: MockAnswer,
        into json: inout JSONWriter,
        _ whole: inout MockWhole
    ) {
        json.beginObject()
        json.member("role", "assistant")
        var text: String?
        for case .text(let part) in choice.parts { text = (text ?? "") + part.string }
        json.key("content")
        let textStart = json.bytes.readableBytes
        if let text { json.string(text) } else { json.null() }
        whole.text = whole.text ?? textStart..<json.bytes.readableBytes
        json.key("refusal")
        json.null()
        for case .reasoning(let reasoning, _, let isHidden) in choice.parts where !isHidden {
            json.key("reasoning_content")
            let start = json.bytes.readableBytes
            json.string(reasoning.string)
            whole.thinking = whole.thinking ?? MockWhole.middle(start, json)
        }
        let calls = choice.parts.filter { if case .toolCall = $0 { true } else { false } }
        if answer.usesLegacyFunctions, case .toolCall(_, let name, let arguments, _)? = calls.first {
            json.key("function_call")
            json.beginObject()
            json.member("name", name)
            json.key("arguments")
            let start = json.bytes.readableBytes
            json.string(arguments.string)
            whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
            json.endObject()
        } else if !calls.isEmpty {
            json.key("tool_calls")
            json.beginArray()
            for case .toolCall(let id, let name, let arguments, let isCustom) in calls {
                json.beginObject()
                json.member("id", "call_\(id)")
                json.member("type", isCustom ? "custom" : "function")
                json.key(isCustom ? "custom" : "function")
                json.beginObject()
                json.member("name", name)
                json.key(isCustom ? "input" : "arguments")
                let start = json.bytes.readableBytes
                json.string(arguments.string)
                whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
                json.endObject()
                json.endObject()
            }
            json.endArray()
        }
        json.key("annotations")
        json.beginArray()
        json.endArray()
        json.endObject()
    }

    static func usage(_ usage: MockUsage, into json: inout JSONWriter) {
        json.beginObject()
        json.member("prompt_tokens", usage.input)
        json.member("completion_tokens", usage.output)
        json.member("total_tokens", usage.input &+ usage.output)
        json.key("prompt_tokens_details")
        json.beginObject()
        json.member("cached_tokens", usage.cached)
        json.member("audio_tokens", 0)
        json.endObject()
        json.key("completion_tokens_details")
        json.beginObject()
        json.member("reasoning_tokens", usage.reasoning)
        json.member("audio_tokens", 0)
        json.member("accepted_prediction_tokens", 0)
        json.member("rejected_prediction_tokens", 0)
        json.endObject()
        json.endObject()
    }

    static func finishReason(_ stop: MockAnswer.Stop, _ answer: MockAnswer) -> String {
        switch stop {
        case .end, .sequence: "stop"
        case .length: "length"
        case .toolCalls: answer.usesLegacyFunctions ? "function_call" : "tool_calls"
        }
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockOpenAIChatStream(answer)
    }

    /// OpenAI has no such call; never asked, since ``operation(method:path:headers:)`` does not claim one.
    static func tokenCount(_ tokens: Int) -> ByteBuffer { ByteBuffer(string: "{}") }

    static func modelList(_ names: [String]) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("object", "list")
        json.key("data")
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
        json.member("id", name)
        json.member("object", "model")
        json.member("created", 1_700_000_000)
        json.member("owned_by", "mock")
        json.endObject()
    }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.beginObject()
        json.member("message", refusal.message)
        let (type, code) = Self.errorType(refusal.status)
        json.member("type", type)
        json.key("param")
        if let parameter = refusal.parameter { json.string(parameter) } else { json.null() }
        json.key("code")
        if let code { json.string(code) } else { json.null() }
        json.endObject()
        json.endObject()
        return json.bytes
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var bytes = ByteBuffer(string: "data: ")
        bytes.writeImmutableBuffer(Self.failure(refusal, requestID: requestID))
        bytes.writeString("\n\n")
        return bytes
    }

    /// <https://platform.openai.com/docs/guides/error-codes>
    private static func errorType(_ status: Int) -> (type: String, code: String?) {
        switch status {
        case 401: ("invalid_request_error", "invalid_api_key")
        case 403: ("invalid_request_error", "unsupported_country_region_territory")
        case 404: ("invalid_request_error", "model_not_found")
        case 429: ("requests", "rate_limit_exceeded")
        case 500...: ("server_error", nil)
        default: ("invalid_request_error", nil)
        }
    }
}

/// The paths of a models list, which two dialects share.
enum MockModelPath {
    static func operation(_ path: String) -> MockOperation? {
        if path.hasSuffix("/models") { return .listModels }
        guard let range = path.range(ofLast: "/models/"), range.upperBound < path.endIndex else { return nil }
        return .model(String(path[range.upperBound...]))
    }
}

extension String {
    /// The last place of `needle`.
    fileprivate func range(ofLast needle: String) -> Range<String.Index>? {
        var index = self.endIndex
        while index > self.startIndex {
            index = self.index(before: index)
            if self[index...].hasPrefix(needle) {
                return index..<self.index(index, offsetBy: needle.count)
            }
        }
        return nil
    }
}
