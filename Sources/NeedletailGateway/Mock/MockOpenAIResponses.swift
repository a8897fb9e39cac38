import HTTPTypes
import NIOCore
import NeedletailCore

/// OpenAI responses as the mock speaks them.
///
/// <https://platform.openai.com/docs/api-reference/responses>
enum MockOpenAIResponses: MockDialect {
    static var requestIDHeader: String { MockOpenAIChat.requestIDHeader }
    static var failureStatus: Int { MockOpenAIChat.failureStatus }

    static func operation(method: String, path: String, headers: HTTPFields) -> MockOperation? {
        method == "POST" && path.hasSuffix("/responses") ? .chat : nil
    }

    static func whole(_ answer: MockAnswer) -> MockWhole {
        var whole = MockWhole()
        var json = JSONWriter()
        let choice = answer.choices.first ?? MockAnswer.Choice(parts: [], stop: .end)
        Self.envelope(answer, status: Self.status(choice.stop), into: &json) { json in
            json.beginArray()
            for (index, part) in choice.parts.enumerated() { Self.item(part, index, answer, into: &json, &whole) }
            json.endArray()
        } usage: { json in
            whole.usage = json.bytes.readableBytes
            Self.usage(answer.usage, into: &json)
        }
        whole.bytes = json.bytes
        return whole
    }

    /// What surrounds the items.
    static func envelope(
        _ answer: MockAnswer,
        status: String,
        into json: inout JSONWriter,
        output: (inout JSONWriter) -> Void,
        usage: (inout JSONWriter) -> Void
    ) {
        json.beginObject()
        json.member("id", "resp_mock_\(answer.id)")
        json.member("object", "response")
        json.member("created_at", Int(answer.created))
        json.member("status", status)
        json.key("error")
        json.null()
        json.key("incomplete_details")
        if status == "incomplete" {
            json.beginObject()
            json.member("reason", "max_output_tokens")
            json.endObject()
        } else {
            json.null()
        }
        json.key("instructions")
        json.null()
        json.member("model", answer.model)
        json.key("output")
        output(&json)
        json.member("parallel_tool_calls", true)
        json.key("previous_response_id")
        json.null()
        json.member("service_tier", "default")
        json.member("store", true)
        json.member("tool_choice", "auto")
        json.key("tools")
        json.beginArray()
        json.endArray()
        json.member("truncation", "disabled")
        json.key("usage")
        usage(&json)
        json.key("metadata")
        json.beginObject()
        json.endObject()
        json.endObject()
    }

    static func status(_ stop: MockAnswer.Stop) -> String {
        stop == .length ? "incomplete" : "completed"
    }

    /// The id of an item.
    static func itemID(_ part: MockAnswer.Part, _ index: Int, _ answer: MockAnswer) -> String {
        let prefix =
            switch part {
            case .reasoning: "rs"
            case .text: "msg"
            case .toolCall(_, _, _, let isCustom): isCustom ? "ctc" : "fc"
            }
        return "\(prefix)_mock_\(answer.id)_\(index)"
    }

    /// An item as it stands when it is whole.
    static func item(
        _ part: MockAnswer.Part,
        _ index: Int,
        _ answer: MockAnswer,
        into json: inout JSONWriter,
        _ whole: inout MockWhole
    ) {
        json.beginObject()
        json.member("id", Self.itemID(part, index, answer))
        switch part {
        case .reasoning(let text, let signature, let isHidden):
            json.member("type", "reasoning")
            json.key("summary")
            json.beginArray()
            if !isHidden {
                json.beginObject()
                json.member("type", "summary_text")
                json.key("text")
                let start = json.bytes.readableBytes
                json.string(text.string)
                whole.thinking = whole.thinking ?? MockWhole.middle(start, json)
                json.endObject()
            }
            json.endArray()
            json.member("encrypted_content", signature)
        case .text(let text):
            json.member("type", "message")
            json.member("status", "completed")
            json.key("content")
            json.beginArray()
            json.beginObject()
            json.member("type", "output_text")
            for key: StaticString in ["annotations", "logprobs"] {
                json.key(key)
                json.beginArray()
                json.endArray()
            }
            json.key("text")
            let start = json.bytes.readableBytes
            json.string(text.string)
            whole.text = whole.text ?? start..<json.bytes.readableBytes
            json.endObject()
            json.endArray()
            json.member("role", "assistant")
        case .toolCall(let id, let name, let arguments, let isCustom):
            json.member("type", isCustom ? "custom_tool_call" : "function_call")
            json.member("status", "completed")
            json.member("call_id", "call_\(id)")
            json.member("name", name)
            json.key(isCustom ? "input" : "arguments")
            let start = json.bytes.readableBytes
            json.string(arguments.string)
            whole.toolArguments = whole.toolArguments ?? MockWhole.middle(start, json)
        }
        json.endObject()
    }

    static func usage(_ usage: MockUsage, into json: inout JSONWriter) {
        json.beginObject()
        json.member("input_tokens", usage.input)
        json.key("input_tokens_details")
        json.beginObject()
        json.member("cached_tokens", usage.cached)
        json.endObject()
        json.member("output_tokens", usage.output)
        json.key("output_tokens_details")
        json.beginObject()
        json.member("reasoning_tokens", usage.reasoning)
        json.endObject()
        json.member("total_tokens", usage.input &+ usage.output)
        json.endObject()
    }

    static func makeStreamWriter(_ answer: MockAnswer) -> any MockStreamWriter {
        MockOpenAIResponsesStream(answer)
    }

    static func tokenCount(_ tokens: Int) -> ByteBuffer { MockOpenAIChat.tokenCount(tokens) }
    static func modelList(_ names: [String]) -> ByteBuffer { MockOpenAIChat.modelList(names) }
    static func model(_ name: String) -> ByteBuffer { MockOpenAIChat.model(name) }

    static func failure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        MockOpenAIChat.failure(refusal, requestID: requestID)
    }

    static func streamFailure(_ refusal: MockRefusal, requestID: String) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", "error")
        json.member("code", refusal.status >= 500 ? "server_error" : "invalid_prompt")
        json.member("message", refusal.message)
        json.key("param")
        json.null()
        json.member("sequence_number", 0)
        json.endObject()
        var bytes = ByteBuffer(string: "event: error\ndata: ")
        bytes.writeImmutableBuffer(json.bytes)
        bytes.writeString("\n\n")
        return bytes
    }
}
