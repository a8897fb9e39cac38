public import NeedletailCore

extension DialectID {
    /// The code behind the name.
    public var dialect: any Dialect.Type {
        switch self {
        case .openAIChat: OpenAIChat.self
        case .anthropicMessages: AnthropicMessages.self
        }
    }
}
