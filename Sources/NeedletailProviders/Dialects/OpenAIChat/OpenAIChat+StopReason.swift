import NeedletailCore

extension OpenAIChat {
    /// What a refusal says where the provider gave no words for it: OpenAI's clients know a refusal by its text.
    static let wordlessRefusal = "The model declined to answer."

    /// What a server's `finish_reason` means; `nil` for none and for `""`, which some servers write for none.
    ///
    /// - Parameters:
    ///   - hasCalls: Whether the choice calls tools, which servers may end with `stop`.
    ///   - hasRefusal: Whether the choice is a refusal, which OpenAI ends with `stop`.
    static func stopReason(_ spelled: String?, hasCalls: Bool, hasRefusal: Bool) -> StopReason? {
        guard let spelled, !spelled.isEmpty else { return nil }
        switch spelled {
        case "stop", "eos", "eos_token", "end_turn", "STOP", "COMPLETE":
            return self.naturalEnd(hasCalls: hasCalls, hasRefusal: hasRefusal)
        case "stop_sequence": return .stopSequence
        case "length", "max_tokens", "MAX_TOKENS": return .maxTokens
        case "model_length", "model_context_window_exceeded": return .contextWindow
        case "tool_calls", "tool_call", "function_call", "tool_use":
            return hasCalls ? .toolCalls : .endTurn
        // Z.ai's `sensitive` is about prompt and answer: <https://docs.z.ai/api-reference/llm/chat-completion>
        case "content_filter", "sensitive", "SAFETY": return .contentFilter
        case "refusal": return .refusal
        default: return hasRefusal ? .refusal : .other(spelled)
        }
    }

    /// The reason where the server was simply done, or ended without giving one.
    static func naturalEnd(hasCalls: Bool, hasRefusal: Bool) -> StopReason {
        if hasCalls { return .toolCalls }
        return hasRefusal ? .refusal : .endTurn
    }

    /// OpenAI's word for a reason, and whether something is lost by it.
    static func finishReason(
        _ reason: StopReason?,
        hasCalls: Bool,
        legacy: Bool
    ) -> (word: String, isLossy: Bool) {
        let calls = legacy ? "function_call" : "tool_calls"
        switch reason {
        case .toolCalls: return (calls, false)
        case .maxTokens, .contextWindow: return ("length", false)
        case .contentFilter: return ("content_filter", false)
        case .endTurn, .stopSequence, nil: return (hasCalls ? calls : "stop", false)
        case .refusal: return ("stop", false)
        case .pauseTurn, .other: return (hasCalls ? calls : "stop", true)
        }
    }
}
