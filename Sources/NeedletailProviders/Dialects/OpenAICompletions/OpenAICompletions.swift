public import NeedletailCore

/// OpenAI's legacy completions: <https://platform.openai.com/docs/api-reference/completions>.
public enum OpenAICompletions: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.openAICompletions
}
