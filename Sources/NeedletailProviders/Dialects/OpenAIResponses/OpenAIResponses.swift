public import NeedletailCore

/// OpenAI responses: <https://platform.openai.com/docs/api-reference/responses>.
public enum OpenAIResponses: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.openAIResponses
}
