import NIOCore
import NeedletailCore

/// A stream of Anthropic's message events.
struct MockAnthropicMessagesStream: MockStreamWriter {
    private let answer: MockAnswer
    private var stop = MockAnswer.Stop.end
    private var hasPinged = false

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin:
            self.event("message_start", into: &out) { json in
                json.key("message")
                self.emptyMessage(into: &json)
            }
        case .partBegin(let part, let index, _):
            self.event("content_block_start", into: &out) { json in
                json.member("index", index)
                json.key("content_block")
                Self.emptyBlock(part, into: &json)
            }
            if case .toolCall = part { self.delta(index, "input_json_delta", "partial_json", "", into: &out) }
            guard !self.hasPinged else { return }
            self.hasPinged = true
            out.writeString("event: ping\ndata: {\"type\": \"ping\"}\n\n")
        case .fragment(let text, .text, let index, _, _, _):
            self.delta(index, "text_delta", "text", text, into: &out)
        case .fragment(let text, .reasoning(_, _, let isHidden), let index, _, _, _):
            if !isHidden { self.delta(index, "thinking_delta", "thinking", text, into: &out) }
        case .fragment(let text, .toolCall, let index, _, _, _):
            self.delta(index, "input_json_delta", "partial_json", text, into: &out)
        case .partEnd(let part, let index, _):
            if case .reasoning(_, let signature, _) = part {
                self.delta(index, "signature_delta", "signature", signature, into: &out)
            }
            self.event("content_block_stop", into: &out) { $0.member("index", index) }
        case .choiceEnd(let stop, _):
            self.stop = stop
        case .usage:
            self.event("message_delta", into: &out) { json in
                json.key("delta")
                json.beginObject()
                json.member("stop_reason", MockAnthropicMessages.stopReason(self.stop))
                json.key("stop_sequence")
                MockAnthropicMessages.stopSequence(self.stop, into: &json)
                json.endObject()
                json.key("usage")
                json.beginObject()
                json.member("input_tokens", max(0, self.answer.usage.input &- self.answer.usage.cached))
                json.member("cache_creation_input_tokens", 0)
                json.member("cache_read_input_tokens", self.answer.usage.cached)
                json.member("output_tokens", self.answer.usage.output)
                json.endObject()
            }
        case .done:
            self.event("message_stop", into: &out) { _ in }
        }
    }

    private func emptyMessage(into json: inout JSONWriter) {
        json.beginObject()
        json.member("model", self.answer.model)
        json.member("id", "msg_mock_\(self.answer.id)")
        json.member("type", "message")
        json.member("role", "assistant")
        json.key("content")
        json.beginArray()
        json.endArray()
        json.key("stop_reason")
        json.null()
        json.key("stop_sequence")
        json.null()
        json.key("usage")
        MockAnthropicMessages.usage(self.answer.usage, output: min(1, self.answer.usage.output), into: &json)
        json.endObject()
    }

    private static func emptyBlock(_ part: MockAnswer.Part, into json: inout JSONWriter) {
        json.beginObject()
        switch part {
        case .text:
            json.member("type", "text")
            json.member("text", "")
        case .reasoning:
            json.member("type", "thinking")
            json.member("thinking", "")
            json.member("signature", "")
        case .toolCall(let id, let name, _, _):
            json.member("type", "tool_use")
            json.member("id", "toolu_\(id)")
            json.member("name", name)
            json.key("input")
            json.beginObject()
            json.endObject()
        }
        json.endObject()
    }

    private func delta(
        _ index: Int, _ type: String, _ key: StaticString, _ text: String, into out: inout ByteBuffer
    ) {
        self.event("content_block_delta", into: &out) { json in
            json.member("index", index)
            json.key("delta")
            json.beginObject()
            json.member("type", type)
            json.member(key, text)
            json.endObject()
        }
    }

    private func event(_ name: String, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        out.writeString("event: \(name)\ndata: ")
        var json = JSONWriter()
        json.beginObject()
        json.member("type", name)
        members(&json)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        out.writeString("\n\n")
    }
}
