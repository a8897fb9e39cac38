import NIOCore
import NeedletailCore

/// Writes the frames of a stream.
enum BedrockStreamWriter {
    static func start(into out: inout ByteBuffer) {
        EventStreamEncoder.write(.event("messageStart"), into: &out) { $0.member("role", "assistant") }
    }

    static func startBlock(
        _ index: Int, _ kind: String, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void
    ) {
        EventStreamEncoder.write(.event("contentBlockStart"), into: &out) { json in
            json.member("contentBlockIndex", index)
            json.key("start")
            json.beginObject()
            json.key(kind)
            json.beginObject()
            members(&json)
            json.endObject()
            json.endObject()
        }
    }

    static func delta(_ index: Int, into out: inout ByteBuffer, _ member: (inout JSONWriter) -> Void) {
        EventStreamEncoder.write(.event("contentBlockDelta"), into: &out) { json in
            json.member("contentBlockIndex", index)
            json.key("delta")
            json.beginObject()
            member(&json)
            json.endObject()
        }
    }

    /// A delta of which the member holds one string.
    static func delta(
        _ index: Int, _ kind: StaticString, _ key: StaticString, _ text: String, into out: inout ByteBuffer
    ) {
        Self.delta(index, into: &out) { json in
            json.key(kind)
            json.beginObject()
            json.member(key, text)
            json.endObject()
        }
    }

    static func stopBlock(_ index: Int, into out: inout ByteBuffer) {
        EventStreamEncoder.write(.event("contentBlockStop"), into: &out) { $0.member("contentBlockIndex", index) }
    }

    static func stop(_ reason: String, _ sequence: String?, into out: inout ByteBuffer) {
        EventStreamEncoder.write(.event("messageStop"), into: &out) { json in
            json.member("stopReason", reason)
            guard let sequence else { return }
            json.key("additionalModelResponseFields")
            json.beginObject()
            json.member("stop_sequence", sequence)
            json.endObject()
        }
    }

    static func metadata(_ usage: Usage, serviceTier: String?, isOwn: Bool, into out: inout ByteBuffer) {
        EventStreamEncoder.write(.event("metadata"), into: &out) { json in
            json.key("usage")
            BedrockUsage.write(usage, isOwn: isOwn, into: &json)
            BedrockUsage.writeMetrics(usage, into: &json)
            guard let serviceTier else { return }
            json.key("serviceTier")
            json.beginObject()
            json.member("type", serviceTier)
            json.endObject()
        }
    }

    /// Writes a whole block of a call that Bedrock answered itself, or of its answer.
    ///
    /// - Returns: `false` if it is neither.
    static func opaque(_ part: OpaquePart, index: Int, into out: inout ByteBuffer) -> Bool {
        guard let view = try? part.json.view(), let member = view.members.first(where: { !$0.value.isNull }),
            member.hasKey("toolUse") || member.hasKey("toolResult")
        else { return false }
        let isCall = member.hasKey("toolUse")
        Self.startBlock(index, member.key, into: &out) { json in
            for field in member.value.members where !field.hasKey(isCall ? "input" : "content") {
                json.key(field.key)
                json.raw(field.value.text)
            }
        }
        if isCall, let input = member.value.present("input") {
            Self.delta(index, "toolUse", "input", input.text.description, into: &out)
        } else if let content = member.value.present("content") {
            Self.delta(index, into: &out) { json in
                json.key("toolResult")
                json.raw(content.text)
            }
        }
        Self.stopBlock(index, into: &out)
        return true
    }
}
