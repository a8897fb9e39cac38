import NeedletailCore

/// Why a reply ended, in Google's words: <https://ai.google.dev/api/generate-content#FinishReason>.
enum GeminiFinishReason {
    /// The words by number, for servers that were asked for `enum-encoding=int`.
    private static let words = [
        "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST",
        "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL",
    ]

    /// The word; `nil` if there is none.
    static func word(_ value: JSONView?) -> String? {
        guard let value, !value.isNull else { return nil }
        if let number = value.int { return self.words.indices.contains(number) ? self.words[number] : String(number) }
        guard let word = value.string, !word.isEmpty else { return nil }
        return word
    }

    /// What a word means. Google ends a turn with calls like any other; and one that is blocked for its content is.
    static func read(_ word: String, hasCalls: Bool) -> StopReason {
        switch word {
        case "STOP", "FINISH_REASON_UNSPECIFIED": hasCalls ? .toolCalls : .endTurn
        case "MAX_TOKENS": .maxTokens
        case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "JAILBREAK":
            .contentFilter
        default: .other(word)
        }
    }

    /// Google's word for a reason, and whether something is lost by it.
    ///
    /// - Parameter isOwn: Whether the reason is Google's and so can be repeated.
    static func write(_ reason: StopReason?, hasRefusal: Bool, isOwn: Bool) -> (word: String, isLossy: Bool) {
        switch reason {
        case .endTurn, .stopSequence, .toolCalls, nil: (hasRefusal ? "SAFETY" : "STOP", false)
        case .maxTokens: ("MAX_TOKENS", false)
        case .contextWindow: ("MAX_TOKENS", true)
        case .contentFilter, .refusal: ("SAFETY", false)
        case .other(let word) where isOwn: (word, false)
        case .pauseTurn, .other: ("OTHER", true)
        }
    }
}
