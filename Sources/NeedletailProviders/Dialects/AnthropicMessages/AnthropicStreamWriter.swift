import NIOCore
import NeedletailCore

/// Writes the events of a stream.
enum AnthropicStreamWriter {
    private static func event(_ name: StaticString, into out: inout ByteBuffer, _ body: (inout JSONWriter) -> Void) {
        out.writeStaticString("event: ")
        out.writeStaticString(name)
        out.writeStaticString("\ndata: ")
        JSONWriter.append(to: &out, isOneLine: true) { json in
            json.beginObject()
            json.key("type")
            json.string(name)
            body(&json)
            json.endObject()
        }
        out.writeStaticString("\n\n")
    }

    static func start(
        id: String,
        model: String,
        serviceTier: String?,
        usage: Usage,
        into out: inout ByteBuffer
    ) {
        Self.event("message_start", into: &out) { json in
            json.key("message")
            json.beginObject()
            json.member("id", id)
            json.member("type", "message")
            json.member("role", "assistant")
            json.member("model", model)
            json.key("content")
            json.beginArray()
            json.endArray()
            json.key("stop_reason")
            json.null()
            json.key("stop_sequence")
            json.null()
            json.key("usage")
            AnthropicUsage.write(usage, serviceTier: serviceTier, isOwn: false, into: &json)
            json.endObject()
        }
    }

    static func startPlain(_ block: AnthropicOpenBlock.Plain, index: Int, into out: inout ByteBuffer) {
        Self.startBlock(index, into: &out) { json in
            json.beginObject()
            switch block {
            case .text:
                json.member("type", "text")
                json.member("text", "")
            case .thinking:
                json.member("type", "thinking")
                json.member("thinking", "")
                json.member("signature", "")
            }
            json.endObject()
        }
    }

    static func startCall(_ head: AnthropicCallHead, index: Int, into out: inout ByteBuffer) {
        Self.startBlock(index, into: &out) { json in
            json.beginObject()
            json.member("type", "tool_use")
            json.member("id", head.id)
            json.member("name", head.name)
            json.key("input")
            json.beginObject()
            json.endObject()
            json.endObject()
        }
    }

    static func redactedThinking(_ data: String, index: Int, into out: inout ByteBuffer) {
        Self.startBlock(index, into: &out) { json in
            json.beginObject()
            json.member("type", "redacted_thinking")
            json.member("data", data)
            json.endObject()
        }
        Self.stopBlock(index, into: &out)
    }

    /// Writes a whole block; the input of a tool that the provider runs goes as a delta, where clients look for it.
    static func opaque(
        _ block: JSONText, index: Int, _ deltas: inout AnthropicDeltaWriter, into out: inout ByteBuffer
    ) {
        var input: JSONText?
        if let view = try? block.view(), view.present("type")?.string?.hasSuffix("tool_use") == true {
            input = view.present("input")?.text
        }
        Self.startBlock(index, into: &out) { json in
            guard input != nil, let view = try? block.view() else {
                json.raw(block)
                return
            }
            json.beginObject()
            for member in view.members {
                json.key(member.key)
                json.raw(member.hasKey("input") ? JSONText(unchecked: "{}") : member.value.text)
            }
            json.endObject()
        }
        if let input { deltas.write(.arguments, input.description, index: index, into: &out) }
        Self.stopBlock(index, into: &out)
    }

    private static func startBlock(_ index: Int, into out: inout ByteBuffer, _ block: (inout JSONWriter) -> Void) {
        Self.event("content_block_start", into: &out) { json in
            json.member("index", index)
            json.key("content_block")
            block(&json)
        }
    }

    static func citation(_ citation: JSONText, index: Int, into out: inout ByteBuffer) {
        Self.event("content_block_delta", into: &out) { json in
            json.member("index", index)
            json.key("delta")
            json.beginObject()
            json.member("type", "citations_delta")
            json.member("citation", citation)
            json.endObject()
        }
    }

    static func stopBlock(_ index: Int, into out: inout ByteBuffer) {
        Self.event("content_block_stop", into: &out) { json in json.member("index", index) }
    }

    static func end(
        _ reason: String,
        _ sequence: String?,
        _ usage: Usage,
        isOwn: Bool,
        into out: inout ByteBuffer
    ) {
        Self.event("message_delta", into: &out) { json in
            json.key("delta")
            json.beginObject()
            json.member("stop_reason", reason)
            json.key("stop_sequence")
            if let sequence { json.string(sequence) } else { json.null() }
            json.endObject()
            json.key("usage")
            AnthropicUsage.write(usage, isOwn: isOwn, into: &json)
        }
        Self.event("message_stop", into: &out) { _ in }
    }
}
