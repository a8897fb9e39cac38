public import NeedletailCore

extension DialectID {
    /// The code behind the name.
    public var dialect: any Dialect.Type {
        switch self {
        case .openAIChat: OpenAIChat.self
        case .anthropicMessages: AnthropicMessages.self
        case .openAIResponses: OpenAIResponses.self
        case .gemini: Gemini.self
        case .bedrockConverse: BedrockConverse.self
        case .ollamaChat: OllamaChat.self
        case .ollamaGenerate: OllamaGenerate.self
        case .cohereChat: CohereChat.self
        case .openAICompletions: OpenAICompletions.self
        }
    }
}

extension ModelField {
    /// What users of `dialect` call the field; the model's own name where there is no dialect.
    public func name(in dialect: DialectID?) -> String {
        guard let dialect else { return self.rawValue }
        return dialect.dialect.name(of: self)
    }
}
