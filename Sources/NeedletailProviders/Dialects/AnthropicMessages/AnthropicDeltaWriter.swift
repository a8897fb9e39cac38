import NIOCore
import NeedletailCore

/// Writes the deltas of a stream. All of an event up to its text is the same from one to the next, and written once.
struct AnthropicDeltaWriter {
    /// What a delta brings more of.
    enum Kind {
        case text, thinking, signature, arguments

        fileprivate var type: StaticString {
            switch self {
            case .text: "text_delta"
            case .thinking: "thinking_delta"
            case .signature: "signature_delta"
            case .arguments: "input_json_delta"
            }
        }

        fileprivate var key: StaticString {
            switch self {
            case .text: "text"
            case .thinking: "thinking"
            case .signature: "signature"
            case .arguments: "partial_json"
            }
        }
    }

    private var last: (kind: Kind, index: Int)?
    private var head = ByteBuffer()

    /// Appends the event.
    mutating func write(_ kind: Kind, _ value: String, index: Int, into out: inout ByteBuffer) {
        if self.last?.kind != kind || self.last?.index != index { self.prepare(kind, index) }
        out.writeImmutableBuffer(self.head)
        JSONWriter.append(to: &out, isOneLine: true) { $0.string(value) }
        out.writeStaticString("}}\n\n")
    }

    private mutating func prepare(_ kind: Kind, _ index: Int) {
        var json = JSONWriter(appendingTo: ByteBuffer(string: "event: content_block_delta\ndata: "))
        json.beginObject()
        json.member("type", "content_block_delta")
        json.member("index", index)
        json.key("delta")
        json.beginObject()
        json.key("type")
        json.string(kind.type)
        json.key(kind.key)
        self.head = json.bytes
        self.last = (kind, index)
    }
}
