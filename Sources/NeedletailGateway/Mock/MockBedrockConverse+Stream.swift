import NIOCore
import NeedletailCore

/// A stream of Converse's frames.
struct MockBedrockConverseStream: MockStreamWriter {
    private let answer: MockAnswer

    init(_ answer: MockAnswer) {
        self.answer = answer
    }

    mutating func write(_ piece: MockPiece, into out: inout ByteBuffer) {
        switch piece {
        case .begin:
            self.event("messageStart", into: &out) { $0.member("role", "assistant") }
        case .partBegin(.toolCall(let id, let name, _, _), let index, _):
            self.event("contentBlockStart", into: &out) { json in
                json.member("contentBlockIndex", index)
                json.key("start")
                json.beginObject()
                json.key("toolUse")
                json.beginObject()
                json.member("name", name)
                json.member("toolUseId", "tooluse_\(id)")
                json.endObject()
                json.endObject()
            }
        // Text and reasoning begin with their first delta.
        case .partBegin: break
        case .fragment(let text, .text, let index, _, _, _):
            self.delta(index, into: &out) { $0.member("text", text) }
        case .fragment(let text, .reasoning(_, _, let isHidden), let index, _, _, _):
            if !isHidden { self.member(index, "reasoningContent", "text", text, into: &out) }
        case .fragment(let text, .toolCall, let index, _, _, _):
            self.member(index, "toolUse", "input", text, into: &out)
        case .partEnd(let part, let index, _):
            if case .reasoning(_, let signature, _) = part {
                self.member(index, "reasoningContent", "signature", signature, into: &out)
            }
            self.event("contentBlockStop", into: &out) { $0.member("contentBlockIndex", index) }
        case .choiceEnd(let stop, _):
            self.event("messageStop", into: &out) { $0.member("stopReason", MockBedrockConverse.stopReason(stop)) }
        case .usage:
            self.event("metadata", into: &out) { json in
                json.key("metrics")
                MockBedrockConverse.metrics(into: &json)
                json.key("usage")
                MockBedrockConverse.usage(self.answer.usage, into: &json)
            }
        case .done: break
        }
    }

    private func member(
        _ index: Int, _ kind: StaticString, _ key: StaticString, _ text: String, into out: inout ByteBuffer
    ) {
        self.delta(index, into: &out) { json in
            json.key(kind)
            json.beginObject()
            json.member(key, text)
            json.endObject()
        }
    }

    private func delta(_ index: Int, into out: inout ByteBuffer, _ member: (inout JSONWriter) -> Void) {
        self.event("contentBlockDelta", into: &out) { json in
            json.member("contentBlockIndex", index)
            json.key("delta")
            json.beginObject()
            member(&json)
            json.endObject()
        }
    }

    private func event(_ name: String, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.beginObject()
        members(&json)
        // Padding of a random length; here the same for the same event.
        json.member("p", String("abcdefghijklmnopqrstuvwxyz".prefix(json.bytes.readableBytes % 26)))
        json.endObject()
        out.writeImmutableBuffer(
            MockEventStream.frame(":event-type", name, message: "event", payload: json.bytes))
    }
}
