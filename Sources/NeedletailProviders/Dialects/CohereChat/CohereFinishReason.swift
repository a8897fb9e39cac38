import NeedletailCore

/// Why a reply ended, in Cohere's words.
enum CohereFinishReason {
    /// Reads `finish_reason`; an error is none, see ``CohereChat/failure(finishReason:words:)``.
    static func read(_ spelled: String?, hasCalls: Bool) -> StopReason? {
        switch spelled {
        case nil, "": nil
        case "COMPLETE": hasCalls ? .toolCalls : .endTurn
        case "STOP_SEQUENCE": .stopSequence
        case "MAX_TOKENS": .maxTokens
        case "TOOL_CALL": hasCalls ? .toolCalls : .endTurn
        case let other?: .other(other)
        }
    }

    /// Writes it, and says whether something is lost by that.
    static func word(_ reason: StopReason?, hasCalls: Bool, isOwn: Bool) -> (word: String, isLossy: Bool) {
        let natural = hasCalls ? "TOOL_CALL" : "COMPLETE"
        return switch reason {
        case .endTurn, .toolCalls, nil: (natural, false)
        case .stopSequence: (hasCalls ? natural : "STOP_SEQUENCE", false)
        case .maxTokens, .contextWindow: ("MAX_TOKENS", false)
        case .contentFilter, .refusal, .pauseTurn: (natural, true)
        case .other(let word): isOwn ? (word, false) : (natural, true)
        }
    }
}
