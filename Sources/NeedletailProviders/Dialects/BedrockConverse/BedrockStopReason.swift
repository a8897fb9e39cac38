import NeedletailCore

/// Why a reply ended, in Bedrock's words.
enum BedrockStopReason {
    /// Reads `stopReason`.
    static func read(_ word: String) -> StopReason {
        switch word {
        case "end_turn": .endTurn
        case "tool_use": .toolCalls
        case "max_tokens": .maxTokens
        case "stop_sequence": .stopSequence
        case "guardrail_intervened", "content_filtered": .contentFilter
        case "model_context_window_exceeded": .contextWindow
        // Not in Bedrock's list, but in that of the models behind it.
        case "refusal": .refusal
        case "pause_turn": .pauseTurn
        default: .other(word)
        }
    }

    /// Writes `stopReason`.
    ///
    /// - Parameters:
    ///   - hasCalls: Whether the reply calls tools of the client; then it says so, even where the provider said stop.
    ///   - isOwn: Whether the reason is Bedrock's and so can be repeated.
    static func word(_ reason: StopReason?, hasCalls: Bool, isOwn: Bool) -> String {
        switch reason {
        case .maxTokens: "max_tokens"
        case .contextWindow: "model_context_window_exceeded"
        case .contentFilter, .refusal: "content_filtered"
        case .other(let word) where isOwn: word
        case .stopSequence where !hasCalls: "stop_sequence"
        case .toolCalls where isOwn: "tool_use"
        case .endTurn, .stopSequence, .toolCalls, .pauseTurn, .other, nil: hasCalls ? "tool_use" : "end_turn"
        }
    }
}
