import NIOCore
import NeedletailCore

/// A stream of `chat.completion.chunk` objects.
struct MockOpenAIChatStream: MockStreamWriter {
    private let answer: MockAnswer
    private var calls = 0

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin(let choice):
            self.calls = 0
            self.delta(choice, into: &out) { json in
                json.member("role", "assistant")
                json.member("content", "")
            }
        case .partBegin(.toolCall(let id, let name, _, let isCustom), _, let choice):
            self.beginCall(id, name, isCustom: isCustom, choice: choice, into: &out)
        case .fragment(let text, let part, _, _, _, let choice):
            self.fragment(text, of: part, choice: choice, into: &out)
        case .partEnd(.toolCall, _, _):
            self.calls += 1
        case .partBegin, .partEnd:
            break
        case .choiceEnd(let stop, let choice):
            let reason = MockOpenAIChat.finishReason(stop, self.answer)
            self.delta(choice, finishReason: reason, into: &out) { _ in }
        case .usage:
            guard self.answer.includesUsage else { return }
            self.chunk(into: &out) { json in
                json.key("choices")
                json.beginArray()
                json.endArray()
                json.key("usage")
                MockOpenAIChat.usage(self.answer.usage, into: &json)
            }
        case .done:
            out.writeString("data: [DONE]\n\n")
        }
    }

    private func beginCall(_ id: String, _ name: String, isCustom: Bool, choice: Int, into out: inout ByteBuffer) {
        self.delta(choice, into: &out) { json in
            if self.answer.usesLegacyFunctions {
                json.key("function_call")
                json.beginObject()
                json.member("name", name)
                json.member("arguments", "")
                json.endObject()
                return
            }
            json.key("tool_calls")
            json.beginArray()
            json.beginObject()
            json.member("index", self.calls)
            json.member("id", "call_\(id)")
            json.member("type", isCustom ? "custom" : "function")
            json.key(isCustom ? "custom" : "function")
            json.beginObject()
            json.member("name", name)
            json.member(isCustom ? "input" : "arguments", "")
            json.endObject()
            json.endObject()
            json.endArray()
        }
    }

    private func fragment(_ text: String, of part: MockAnswer.Part, choice: Int, into out: inout ByteBuffer) {
        switch part {
        case .text:
            self.delta(choice, into: &out) { $0.member("content", text) }
        case .reasoning(_, _, let isHidden):
            guard !isHidden else { return }
            self.delta(choice, into: &out) { $0.member("reasoning_content", text) }
        case .toolCall(_, _, _, let isCustom):
            self.delta(choice, into: &out) { json in
                if self.answer.usesLegacyFunctions {
                    json.key("function_call")
                    json.beginObject()
                    json.member("arguments", text)
                    json.endObject()
                    return
                }
                json.key("tool_calls")
                json.beginArray()
                json.beginObject()
                json.member("index", self.calls)
                json.key(isCustom ? "custom" : "function")
                json.beginObject()
                json.member(isCustom ? "input" : "arguments", text)
                json.endObject()
                json.endObject()
                json.endArray()
            }
        }
    }

    private func delta(
        _ choice: Int,
        finishReason: String? = nil,
        into out: inout ByteBuffer,
        _ members: (inout JSONWriter) -> Void
    ) {
        self.chunk(into: &out) { json in
            json.key("choices")
            json.beginArray()
            json.beginObject()
            json.member("index", choice)
            json.key("delta")
            json.beginObject()
            members(&json)
            json.endObject()
            json.key("logprobs")
            json.null()
            json.key("finish_reason")
            if let finishReason { json.string(finishReason) } else { json.null() }
            json.endObject()
            json.endArray()
            if self.answer.includesUsage {
                json.key("usage")
                json.null()
            }
        }
    }

    private func chunk(into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        out.writeString("data: ")
        var json = JSONWriter()
        json.beginObject()
        json.member("id", "chatcmpl-mock-\(self.answer.id)")
        json.member("object", "chat.completion.chunk")
        json.member("created", Int(self.answer.created))
        json.member("model", self.answer.model)
        json.member("service_tier", "default")
        json.member("system_fingerprint", "fp_mock")
        members(&json)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\n\n")
    }
}
