import NeedletailCore

/// Why a reply ended, in Anthropic's words.
enum AnthropicStopReason {
    /// Reads `stop_reason`.
    static func read(_ word: String) -> StopReason {
        switch word {
        case "end_turn": .endTurn
        case "stop_sequence": .stopSequence
        case "max_tokens": .maxTokens
        case "model_context_window_exceeded": .contextWindow
        case "tool_use": .toolCalls
        case "refusal": .refusal
        case "pause_turn": .pauseTurn
        default: .other(word)
        }
    }

    /// Writes `stop_reason`, and says whether something is lost by that.
    ///
    /// - Parameters:
    ///   - reason: As the provider said.
    ///   - hasStopSequence: Whether the stop sequence is known; without it `stop_sequence` would promise too much.
    ///   - hasCalls: Whether the reply calls tools of the client; then it says so, even where another dialect's provider
    ///     said stop.
    ///   - hasRefusal: Whether the reply holds a refusal.
    ///   - isOwn: Whether the reason is Anthropic's and so can be repeated.
    static func word(
        _ reason: StopReason?,
        hasStopSequence: Bool,
        hasCalls: Bool,
        hasRefusal: Bool,
        isOwn: Bool
    ) -> (word: String, isLossy: Bool) {
        let natural = hasCalls ? "tool_use" : hasRefusal ? "refusal" : "end_turn"
        switch reason {
        case .maxTokens: return ("max_tokens", false)
        case .contextWindow: return ("model_context_window_exceeded", false)
        case .contentFilter, .refusal: return ("refusal", false)
        case .pauseTurn: return ("pause_turn", false)
        case .other(let word) where isOwn: return (word, false)
        case .stopSequence where hasStopSequence: return ("stop_sequence", false)
        case .endTurn where isOwn: return ("end_turn", false)
        case .other: return (natural, true)
        case .endTurn, .stopSequence, .toolCalls, nil: return (natural, false)
        }
    }
}
