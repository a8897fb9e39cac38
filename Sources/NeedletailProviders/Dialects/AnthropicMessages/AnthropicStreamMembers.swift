import NeedletailCore

/// What is read of a stream's events; all else is told as lost.
enum AnthropicStreamMembers {
    private static let message: [StaticString] = [
        "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage",
    ]
    private static let event: [StaticString] = ["type", "index", "delta", "content_block", "message", "usage"]
    private static let end: [StaticString] = ["stop_reason", "stop_sequence"]
    // Of deltas.
    private static let text: [StaticString] = ["type", "text"]
    private static let input: [StaticString] = ["type", "partial_json"]
    private static let thinking: [StaticString] = ["type", "thinking"]
    private static let signature: [StaticString] = ["type", "signature"]
    private static let citation: [StaticString] = ["type", "citation"]

    /// Names what nobody reads of an event.
    static func look(at root: JSONView, _ type: JSONWord, _ unread: inout UnreadMembers) {
        unread.look(at: root, known: self.event, path: "")
        switch type {
        case "content_block_delta":
            guard let delta = root.present("delta"), let known = self.members(ofDelta: delta) else { return }
            unread.look(at: delta, known: known, path: "delta")
        case "content_block_start":
            if let block = root.present("content_block") { self.look(atBlock: block, "content_block", &unread) }
        case "message_start":
            guard let message = root.present("message") else { return }
            unread.look(at: message, known: self.message, path: "message")
            guard let content = message.present("content") else { return }
            for block in content.elements { self.look(atBlock: block, "message.content", &unread) }
        case "message_delta":
            if let delta = root.present("delta") { unread.look(at: delta, known: self.end, path: "delta") }
        default: break
        }
    }

    private static func look(atBlock block: JSONView, _ path: String, _ unread: inout UnreadMembers) {
        switch block.present("type")?.string {
        case "text": unread.look(at: block, known: ["type", "text", "citations"], path: path)
        case "thinking": unread.look(at: block, known: ["type", "thinking", "signature"], path: path)
        case "redacted_thinking": unread.look(at: block, known: ["type", "data"], path: path)
        case "tool_use":
            let known: [StaticString] = ["type", "id", "name", "input"]
            let isDirect = AnthropicContentReader.isDirect(block)
            unread.look(at: block, known: isDirect ? known + ["caller"] : known, path: path)
        // Kept whole.
        default: break
        }
    }

    /// `nil` for a delta of a block that is kept whole, and for one that has been named itself.
    private static func members(ofDelta delta: JSONView) -> [StaticString]? {
        guard let type = delta.present("type")?.word else { return nil }
        return switch type {
        case "text_delta": self.text
        case "input_json_delta": self.input
        case "thinking_delta": self.thinking
        case "signature_delta": self.signature
        case "citations_delta": self.citation
        default: nil
        }
    }
}
