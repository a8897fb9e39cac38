import NeedletailCore

/// Why a provider refused a request that another model may answer, in the words that providers have for it.
///
/// | who | words |
/// |---|---|
/// | OpenAI, Azure, Groq, vLLM | code `context_length_exceeded`; "maximum context length" |
/// | Anthropic | "prompt is too long", "exceed context limit" |
/// | Gemini | "input token count … exceeds the maximum" |
/// | Bedrock | "Input is too long for requested model" |
/// | Cohere | "too many tokens" |
/// | OpenAI, Azure | codes `content_filter`, `content_policy_violation`; "content management policy" |
/// | Anthropic | "blocked by content filtering policy" |
enum RefusalReason {
    private static let tooLong = [
        "context length", "context_length", "prompt is too long", "context limit", "context window",
        "input token count",
        "input is too long", "too many tokens", "too many input tokens",
    ]
    private static let filtered = ["content management policy", "content filtering policy", "safety system"]

    /// Why a request was refused; `nil` where it was not, or for what any model would refuse it.
    static func of(_ error: NeedletailError) -> NeedletailError.Reason? {
        switch error.code {
        case .tooLarge: return .contextWindow
        case .invalidRequest, .unprocessable: break
        default: return nil
        }
        switch error.upstream?.code ?? error.upstream?.type {
        case "context_length_exceeded": return .contextWindow
        case "content_filter", "content_policy_violation": return .contentFilter
        default: break
        }
        // Only what a provider said is looked at.
        guard error.upstream != nil else { return nil }
        let message = error.message.prefix(1_024).lowercased()
        if Self.tooLong.contains(where: { message.contains($0) }) { return .contextWindow }
        if Self.filtered.contains(where: { message.contains($0) }) { return .contentFilter }
        return nil
    }
}
