import NIOCore
import NeedletailCore

/// What an event with more text brings it to.
enum OpenAIResponsesDelta {
    case text, refusal, summary, arguments, input

    var name: StaticString {
        switch self {
        case .text: "response.output_text.delta"
        case .refusal: "response.refusal.delta"
        case .summary: "response.reasoning_summary_text.delta"
        case .arguments: "response.function_call_arguments.delta"
        case .input: "response.custom_tool_call_input.delta"
        }
    }

    /// The member that numbers the parts of its item.
    var part: StaticString? {
        switch self {
        case .text, .refusal: "content_index"
        case .summary: "summary_index"
        case .arguments, .input: nil
        }
    }
}

/// The bytes of such an event around its number. They are the same from one to the next, and written once.
struct OpenAIResponsesDeltaHead {
    private var last: (kind: OpenAIResponsesDelta, index: Int, part: Int)?
    /// Up to the number.
    private(set) var start = ByteBuffer()
    /// Up to the text.
    private(set) var end = ByteBuffer()

    /// Makes the bytes those of an item's part; `index` is the item's place in the output.
    mutating func prepare(_ kind: OpenAIResponsesDelta, of id: String, _ index: Int, part: Int) {
        guard self.last?.kind != kind || self.last?.index != index || self.last?.part != part else { return }
        self.last = (kind, index, part)
        self.start = ByteBuffer(string: "event: \(kind.name)\ndata: {\"type\":\"\(kind.name)\",\"sequence_number\":")
        var json = JSONWriter(appendingTo: ByteBuffer(string: ",\"item_id\":"))
        json.string(id)
        json.member("output_index", index)
        if let key = kind.part { json.member(key, part) }
        json.key("delta")
        self.end = json.bytes
    }
}
