import HTTPTypes
import NIOCore
import NeedletailCore

/// Anthropic messages as the mock speaks them.
///
/// <https://docs.anthropic.com/en/api/messages>
enum MockAnthropicMessages: MockDialect {
    static var requestIDHeader: String { "request-id" }
    static var failureStatus: Int { 529 }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        if method == "POST" {
            if path.hasSuffix("/messages") { return .chat }
            return path.hasSuffix("/messages/count_tokens") ? .countTokens : nil
        }
        guard method == "GET", headers.contains(where: { $0.name.canonicalName == "anthropic-version" }) else {
            return nil
        }
        return MockModelPath.operation(path)
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        let choice = answer.choices.first
        json.beginObject()
        json.member("model", answer.model)
        json.member("id", "msg_mock_\(answer.id)")
        json.member("type", "message")
        json.member("role", "assistant")
        json.key("content")
        json.beginArray()
        for part in choice?.parts ?? [] { Self.block(part, into: &json, &whole) }
        json.endArray()
        json.member("stop_reason", Self.stopReason(choice?.stop ?? .end))
        json.key("stop_sequence")
        Self.stopSequence(choice?.stop ?? .end, into: &json)
        whole.usage = json.bytes.readableBytes
        json.key("usage")
        Self.usage(answer.usage, output: answer.usage.output, into: &json)
        json.endObject()
        whole.bytes = json.bytes
        return whole
    }

    private static func block(_ part: MockAnswer.Part, into json: inout JSONWriter, _ whole: inout MockWhole) {
        json.beginObject()
        switch part {
        case .text(let text):
            json.member("type", "text")
            json.key("text")
            let start = json.bytes.readableBytes
            json.string(text.string)
            whole.text = whole.text ?? start..<json.bytes.readableBytes
        case .reasoning(let text, let signature, let isHidden):
            json.member("type", "thinking")
            json.key("thinking")
            let start = json.bytes.readableBytes
            json.string(isHidden ? "" : text.string)
            whole.thinking = whole.thinking ?? MockWhole.middle(start, json)
            json.member("signature", signature)
        case .toolCall(let id, let name, let arguments, _):
            json.member("type", "tool_use")
            json.member("id", "toolu_\(id)")
            json.member("name", name)
            json.key("input")
            let start = json.bytes.readableBytes
            // A script may give what is no JSON; a message is JSON all the same.
            if let input = try? JSONText(arguments.string) { json.raw(input) } else { json.string(arguments.string) }
            whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
        }
        json.endObject()
    }

    static func usage(_ usage: MockUsage, output: Int, into json: inout JSONWriter) {
        json.beginObject()
        json.member("input_tokens", max(0, usage.input &- usage.cached))
        json.member("cache_creation_input_tokens", 0)
        json.member("cache_read_input_tokens", usage.cached)
        json.member("output_tokens", output)
        json.member("service_tier", "standard")
        json.endObject()
    }

    static func stopReason(_ stop: MockAnswer.Stop) -> String {
        switch stop {
        case .end: "end_turn"
        case .length: "max_tokens"
        case .toolCalls: "tool_use"
        case .sequence: "stop_sequence"
        }
    }

    static func stopSequence(_ stop: MockAnswer.Stop, into json: inout JSONWriter) {
        if case .sequence(let sequence) = stop { json.string(sequence) } else { json.null() }
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockAnthropicMessagesStream(answer)
    }

    static func tokenCount(_ tokens: Int) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("input_tokens", tokens)
        json.endObject()
        return json.bytes
    }

    static func modelList(_ names: [String]) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("data")
        json.beginArray()
        for name in names { Self.model(name, into: &json) }
        json.endArray()
        json.member("has_more", false)
        json.key("first_id")
        if let first = names.first { json.string(first) } else { json.null() }
        json.key("last_id")
        if let last = names.last { json.string(last) } else { json.null() }
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
        json.member("type", "model")
        json.member("id", name)
        json.member("display_name", name)
        json.member("created_at", "2023-11-14T22:13:20Z")
        json.endObject()
    }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "error")
        json.key("error")
        json.beginObject()
        json.member("type", Self.errorType(refusal.status))
        json.member("message", refusal.message)
        json.endObject()
        json.member("request_id", requestID)
        json.endObject()
        return json.bytes
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var bytes = ByteBuffer(string: "event: error\ndata: ")
        bytes.writeImmutableBuffer(Self.failure(refusal, requestID: requestID))
        bytes.writeString("\n\n")
        return bytes
    }

    /// <https://docs.anthropic.com/en/api/errors>
    private static func errorType(_ status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 504: "timeout_error"
        case 529: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }
}
