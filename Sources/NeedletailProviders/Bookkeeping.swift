public import NeedletailCore

/// Which members of replies say something about the call and nothing of the answer.
///
/// Most providers send some with every reply, and no other dialect has a place for them. They are told as lost like all
/// else, but marked, so that what was lost of an answer is seen.
enum Bookkeeping {
    /// Whether `field`, a name in the words of `dialect`, is one.
    ///
    /// Counters are: they are parts of totals that every dialect has.
    static func contains(_ field: String, of dialect: DialectID) -> Bool {
        field.hasPrefix(dialect == .gemini ? "usageMetadata." : "usage.") || self.members(of: dialect).contains(field)
            || self.modelFields.contains { $0.name(in: dialect) == field }
    }

    private static let modelFields: [ModelField] = [
        .systemFingerprint, .replyServiceTier, .replyTiming, .usageCacheRead, .usageCacheWrite, .usageReasoning,
        .usageAudio, .usagePrediction, .usageWebSearches,
    ]

    private static func members(of dialect: DialectID) -> Set<String> {
        switch dialect {
        case .openAIChat, .openAICompletions: self.openAI
        case .anthropicMessages: ["amazon-bedrock-invocationMetrics"]
        case .openAIResponses: self.responses
        case .gemini: self.gemini
        case .bedrockConverse: self.converse
        case .ollamaChat, .ollamaGenerate: self.ollama
        case .cohereChat: ["meta"]
        }
    }

    /// Azure's filters, and what servers say of themselves: where it ran, by what number it can be asked for again, why it
    /// ended in words that are also said in OpenAI's.
    private static let openAI: Set<String> = [
        "prompt_filter_results", "choices.content_filter_results", "choices.content_filter_result",
        "choices.content_filter_offsets",
        "provider", "generationId", "request_id",
        "choices.native_finish_reason", "choices.seed", "x_groq.seed", "x_groq.usage_breakdown", "time_info", "timings",
        "latency_checkpoint", "sla_metrics", "kv_transfer_params",
    ]
    private static let responses: Set<String> = ["content_filters", "billing", "tool_usage"]
    private static let gemini: Set<String> = [
        "promptFeedback.safetyRatings", "candidates.safetyRatings", "candidates.avgLogprobs", "candidates.tokenCount",
        "modelStatus",
    ]
    private static let converse: Set<String> = ["performanceConfig"]
    private static let ollama: Set<String> = ["remote_model", "remote_host"]
}

extension Dialect {
    /// As ``Bookkeeping`` lists them.
    public static func isBookkeeping(_ field: String) -> Bool { Bookkeeping.contains(field, of: Self.id) }
}

extension [Loss] {
    /// The same, with those marked that say nothing of the answer of an upstream of `dialect`.
    func markingBookkeeping(of dialect: DialectID) -> [Loss] {
        self.isEmpty ? self : self.markingBookkeeping(of: dialect.dialect)
    }

    /// Notes a field that the client's dialect has no place for, unless the model holds what it says, or it says nothing.
    mutating func add(_ field: Extension, _ reason: String) {
        guard !field.isRead, !field.saysNothing else { return }
        self.add(field.path, reason)
    }
}

extension Extension {
    /// Whether the value is `null` or empty.
    var saysNothing: Bool { (try? self.value.view())?.saysNothing ?? false }

    /// Whether the value of a counter is nothing, or an object of such.
    var countsNothing: Bool { (try? self.value.view())?.countsNothing ?? false }
}

extension JSONView {
    /// Whether nothing was counted. As deep as the reader lets values be.
    var countsNothing: Bool {
        switch self.kind {
        case .number: self.double == 0
        case .object: self.members.allSatisfy { $0.value.countsNothing }
        default: self.bool == false || self.saysNothing
        }
    }
}
