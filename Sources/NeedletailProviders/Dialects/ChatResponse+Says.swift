import NeedletailCore

extension ChatResponse {
    /// Whether the reply holds a field. The stop reason is judged by who knows its own words.
    func says(_ field: ModelField) -> Bool {
        switch field {
        case .replyChoices: self.choices.count > 1
        case .replyServiceTier: self.serviceTier != nil
        case .systemFingerprint: self.systemFingerprint != nil
        case .replyLogprobs: self.choices.contains { $0.logprobs != nil }
        case .stopSequence: self.choices.contains { $0.stopSequence != nil }
        default:
            self.usage?.says(field) == true
                || self.choices.contains { $0.content.contains { $0.says(inReply: field) } }
        }
    }
}

extension Usage {
    /// Whether the usage counts something that a field stands for.
    func says(_ field: ModelField) -> Bool {
        switch field {
        case .replyTiming: self.timing != nil
        case .usageCacheRead: (self.cachedInputTokens ?? 0) > 0
        case .usageCacheWrite: (self.cacheWriteTokens ?? 0) > 0
        case .usageReasoning: (self.reasoningTokens ?? 0) > 0
        case .usageAudio: (self.audioInputTokens ?? 0) + (self.audioOutputTokens ?? 0) > 0
        case .usagePrediction: (self.acceptedPredictionTokens ?? 0) + (self.rejectedPredictionTokens ?? 0) > 0
        case .usageWebSearches: (self.webSearches ?? 0) > 0
        default: false
        }
    }
}

extension ContentPart {
    /// Whether the part of a reply holds a field.
    func says(inReply field: ModelField) -> Bool {
        switch self {
        case .text(let part): field == .replyCitations && part.citations != nil
        case .reasoning(let part):
            field == .replyReasoning || (field == .replySignature && part.signature != nil)
        case .redactedReasoning: field == .replyRedacted
        case .refusal: field == .replyRefusal
        case .audio: field == .replyAudio
        case .image: field == .replyImage
        case .opaque, .document, .toolResult: field == .replyOpaque
        case .toolCall: field == .replyToolCalls
        }
    }
}

extension ChatEvent {
    /// The field that a dialect without a place for this event loses; `nil` for what every dialect says.
    var field: ModelField? {
        switch self {
        case .reasoning: .replyReasoning
        case .reasoningSignature: .replySignature
        case .redactedReasoning: .replyRedacted
        case .citation: .replyCitations
        case .logprobs: .replyLogprobs
        case .refusal: .replyRefusal
        case .audio: .replyAudio
        case .image: .replyImage
        case .opaque: .replyOpaque
        case .toolCallStarted: .replyToolCalls
        case .started, .text, .toolCallArguments, .blockEnded, .finished, .usage: nil
        }
    }
}
