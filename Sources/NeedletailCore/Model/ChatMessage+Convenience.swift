extension ChatMessage {
    /// What the operator of the conversation says.
    public static func system(_ text: String) -> Self { Self(.system, text) }
    /// What the user says.
    public static func user(_ text: String) -> Self { Self(.user, text) }
    /// What the model said.
    public static func assistant(_ text: String) -> Self { Self(.assistant, text) }
    /// What a tool answered.
    public static func toolResult(_ callID: String, _ text: String, isError: Bool? = nil) -> Self {
        Self(.tool, [.toolResult(ToolResult(callID: callID, content: [.text(TextPart(text))], isError: isError))])
    }
}
