import NeedletailCore

/// What is read of a stream's events; all else is told as lost.
enum CohereStreamMembers {
    private static let event: [StaticString] = ["type", "index", "delta", "id", "logprobs", "model"]
    private static let delta: [StaticString] = ["message", "finish_reason", "usage", "logprobs", "error", "error_type"]
    private static let message: [StaticString] = ["content", "role", "tool_plan", "tool_calls", "citations"]
    private static let content: [StaticString] = ["text", "type", "thinking"]

    /// Names what nobody reads of an event.
    static func look(at root: JSONView, _ unread: inout UnreadMembers) {
        unread.look(at: root, known: self.event, path: "")
        guard let delta = root.present("delta") else { return }
        unread.look(at: delta, known: self.delta, path: "delta")
        guard let message = delta.present("message") else { return }
        unread.look(at: message, known: self.message, path: "delta.message")
        if let content = message.present("content") {
            unread.look(at: content, known: self.content, path: "delta.message.content")
            switch content.present("type")?.string {
            case "text", "thinking", nil: break
            default: unread.add("delta.message.content")
            }
        }
        guard let calls = message.present("tool_calls") else { return }
        for call in calls.kind == .array ? Array(calls.elements) : [calls] {
            unread.look(at: call, known: ["id", "type", "function"], path: "delta.message.tool_calls")
            guard let function = call.present("function") else { continue }
            unread.look(at: function, known: ["name", "arguments"], path: "delta.message.tool_calls.function")
        }
    }
}
