public import NeedletailCore

/// A whole reply and where it came from.
public struct ChatReply: Sendable {
    /// The reply.
    public var response: ChatResponse
    /// Who answered.
    public var provider: ProviderID
    /// What the request lost in translation.
    public var losses: [Loss]

    /// The text of the first choice.
    public var text: String { self.response.text }
    /// The tool calls of the first choice.
    public var toolCalls: [ToolCall] { self.response.toolCalls }
    /// The tokens spent.
    public var usage: Usage? { self.response.usage }
}
