import HTTPTypes
import NIOCore
import NeedletailCore

/// Amazon Bedrock Converse as the mock speaks it.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
enum MockBedrockConverse: MockDialect {
    static var requestIDHeader: String { "x-amzn-requestid" }
    static var failureStatus: Int { 503 }
    static var streamContentType: String { "application/vnd.amazon.eventstream" }
    static var garbage: ByteBuffer { ByteBuffer(string: "mock garbage that is no frame, whatever its length says") }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        guard method == "POST", path.contains("/model/") else { return nil }
        if path.hasSuffix("/converse") || path.hasSuffix("/converse-stream") { return .chat }
        return path.hasSuffix("/count-tokens") ? .countTokens : nil
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        let choice = answer.choices.first
        json.beginObject()
        json.key("metrics")
        Self.metrics(into: &json)
        json.key("output")
        json.beginObject()
        json.key("message")
        json.beginObject()
        json.key("content")
        json.beginArray()
        for part in choice?.parts ?? [] { Self.block(part, into: &json, &whole) }
        json.endArray()
        json.member("role", "assistant")
        json.endObject()
        json.endObject()
        json.member("stopReason", Self.stopReason(choice?.stop ?? .end))
        whole.usage = json.bytes.readableBytes
        json.key("usage")
        Self.usage(answer.usage, into: &json)
        json.endObject()
        whole.bytes = json.bytes
        return whole
    }

    static func metrics(into json: inout JSONWriter) {
        json.beginObject()
        json.member("latencyMs", 120)
        json.endObject()
    }

    private static func block(_ part: MockAnswer.Part, into json: inout JSONWriter, _ whole: inout MockWhole) {
        json.beginObject()
        switch part {
        case .text(let text):
            json.key("text")
            let start = json.bytes.readableBytes
            json.string(text.string)
            whole.text = whole.text ?? start..<json.bytes.readableBytes
        case .reasoning(let text, let signature, let isHidden):
            json.key("reasoningContent")
            json.beginObject()
            json.key("reasoningText")
            json.beginObject()
            json.member("signature", signature)
            json.key("text")
            let start = json.bytes.readableBytes
            json.string(isHidden ? "" : text.string)
            whole.thinking = whole.thinking ?? MockWhole.middle(start, json)
            json.endObject()
            json.endObject()
        case .toolCall(let id, let name, let arguments, _):
            json.key("toolUse")
            json.beginObject()
            json.key("input")
            let start = json.bytes.readableBytes
            // A script may give what is no JSON; a message is JSON all the same.
            if let input = try? JSONText(arguments.string) { json.raw(input) } else { json.string(arguments.string) }
            whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
            json.member("name", name)
            json.member("toolUseId", "tooluse_\(id)")
            json.endObject()
        }
        json.endObject()
    }

    static func usage(_ usage: MockUsage, into json: inout JSONWriter) {
        json.beginObject()
        json.member("cacheReadInputTokens", usage.cached)
        json.member("cacheWriteInputTokens", 0)
        json.member("inputTokens", max(0, usage.input &- usage.cached))
        json.member("outputTokens", usage.output)
        json.member("totalTokens", usage.input &+ usage.output)
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

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockBedrockConverseStream(answer)
    }

    static func tokenCount(_ tokens: Int) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("inputTokens", tokens)
        json.endObject()
        return json.bytes
    }

    /// Bedrock lists models elsewhere (`ListFoundationModels`, at another host).
    static func modelList(_ names: [String]) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("modelSummaries")
        json.beginArray()
        for name in names { json.raw(JSONText(unchecked: Self.model(name))) }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    static func model(_ name: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("modelId", name)
        json.endObject()
        return json.bytes
    }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("__type", Self.errorType(refusal.status))
        json.member("message", refusal.message)
        json.endObject()
        return json.bytes
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("message", refusal.message)
        json.endObject()
        let type = Self.errorType(refusal.status)
        return MockEventStream.frame(
            ":exception-type", type.prefix(1).lowercased() + type.dropFirst(), message: "exception",
            payload: json.bytes)
    }

    /// <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>
    private static func errorType(_ status: Int) -> String {
        switch status {
        case 401, 403: "AccessDeniedException"
        case 404: "ResourceNotFoundException"
        case 408: "ModelTimeoutException"
        case 424: "ModelErrorException"
        case 429: "ThrottlingException"
        case 503, 529: "ServiceUnavailableException"
        case 500...: "InternalServerException"
        default: "ValidationException"
        }
    }
}
