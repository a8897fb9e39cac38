import NIOCore
import NeedletailCore

/// The events of a stream for a client.
enum CohereStreamWriter {
    static func event(_ type: StaticString, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        out.writeStaticString("event: ")
        out.writeStaticString(type)
        out.writeStaticString("\ndata: ")
        JSONWriter.append(to: &out, isOneLine: true) { json in
            json.beginObject()
            json.key("type")
            json.string(type)
            members(&json)
            json.endObject()
        }
        out.writeStaticString("\n\n")
    }

    static func start(id: String, into out: inout ByteBuffer) {
        Self.event("message-start", into: &out) { json in
            json.member("id", id)
            Self.message(into: &json) { json in
                json.member("role", "assistant")
                json.key("content")
                json.beginArray()
                json.endArray()
                json.member("tool_plan", "")
                for key: StaticString in ["tool_calls", "citations"] {
                    json.key(key)
                    json.beginArray()
                    json.endArray()
                }
            }
        }
    }

    /// Writes a delta of the message.
    static func message(into json: inout JSONWriter, _ members: (inout JSONWriter) -> Void) {
        json.key("delta")
        json.beginObject()
        json.key("message")
        json.beginObject()
        members(&json)
        json.endObject()
        json.endObject()
    }

    static func contentStart(_ type: StaticString, index: Int, into out: inout ByteBuffer) {
        Self.event("content-start", into: &out) { json in
            json.member("index", index)
            Self.message(into: &json) { json in
                json.key("content")
                json.beginObject()
                json.member("type", type.description)
                json.member(type, "")
                json.endObject()
            }
        }
    }

    static func content(
        _ type: StaticString, _ text: String, logprobs: JSONText? = nil, index: Int, into out: inout ByteBuffer
    ) {
        Self.event("content-delta", into: &out) { json in
            json.member("index", index)
            Self.message(into: &json) { json in
                json.key("content")
                json.beginObject()
                json.member(type, text)
                json.endObject()
            }
            json.member("logprobs", logprobs)
        }
    }

    static func end(_ type: StaticString, index: Int, into out: inout ByteBuffer) {
        Self.event(type, into: &out) { $0.member("index", index) }
    }

    static func callStart(_ call: ToolCall, index: Int, into out: inout ByteBuffer) {
        Self.event("tool-call-start", into: &out) { json in
            json.member("index", index)
            Self.call(into: &json) { json in
                json.member("id", call.id)
                json.member("type", "function")
                json.key("function")
                json.beginObject()
                json.member("name", call.name)
                json.member("arguments", "")
                json.endObject()
            }
        }
    }

    static func arguments(_ fragment: String, index: Int, into out: inout ByteBuffer) {
        Self.event("tool-call-delta", into: &out) { json in
            json.member("index", index)
            Self.call(into: &json) { json in
                json.key("function")
                json.beginObject()
                json.member("arguments", fragment)
                json.endObject()
            }
        }
    }

    /// One call is an object here, and a list in whole replies.
    private static func call(into json: inout JSONWriter, _ members: (inout JSONWriter) -> Void) {
        Self.message(into: &json) { json in
            json.key("tool_calls")
            json.beginObject()
            members(&json)
            json.endObject()
        }
    }

    static func citation(_ citation: JSONText, index: Int, into out: inout ByteBuffer) {
        Self.event("citation-start", into: &out) { json in
            json.member("index", index)
            Self.message(into: &json) { $0.member("citations", citation) }
        }
        Self.end("citation-end", index: index, into: &out)
    }

    static func messageEnd(_ reason: String, _ usage: Usage?, isOwn: Bool, into out: inout ByteBuffer) {
        Self.event("message-end", into: &out) { json in
            json.key("delta")
            json.beginObject()
            json.member("finish_reason", reason)
            if let usage {
                json.key("usage")
                CohereUsage.write(usage, isOwn: isOwn, into: &json)
            }
            json.endObject()
        }
        out.writeStaticString("data: [DONE]\n\n")
    }
}
