/// A place in the unified model that a dialect may have no words for.
///
/// Losses are named in the client's own words, so a field has one name per dialect: the path without indices, as the
/// client wrote (or will read) it. Every dialect says what its users call it.
public enum ModelField: String, Sendable, Hashable, CaseIterable {
    // The request.
    case toolChoice, allowedTools, parallelToolCalls, maxOutputTokens
    case temperature, topP, topK, frequencyPenalty, presencePenalty, seed, stopSequences
    case choiceCount, logprobs, topLogprobs, logitBias
    case responseFormat, responseFormatName, responseFormatStrict, verbosity
    case reasoning, reasoningEffort, reasoningBudget, reasoningDisplay
    case endUser, serviceTier, modalities, legacyFunctions
    // Its messages.
    case messageName, systemCacheMarker, contentCacheMarker
    case image, imageDetail, imageURL, fileID, document, documentURL, documentTitle, documentContext, documentCitations
    case audio, contentCitations, contentRefusal, contentReasoning, contentSignature, contentRedacted, contentOpaque
    case toolCall, toolCallCustom, toolResult, toolResultIsError, toolResultContent
    // Its tools.
    case tool, toolCacheMarker, toolStrict, toolFormat
    // The reply.
    case replyReasoning, replySignature, replyRedacted, replyCitations, replyLogprobs, replyRefusal, replyAudio,
        replyImage
    case replyToolCalls, replyToolArguments, replyChoices, replyOpaque, replyServiceTier, systemFingerprint
    case stopReason, stopSequence
    case replyTiming
    case usageCacheRead, usageCacheWrite, usageReasoning, usageAudio, usagePrediction, usageWebSearches

    /// The fields of a reply.
    public static let reply: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyRedacted, .replyCitations, .replyLogprobs, .replyRefusal, .replyAudio,
        .replyImage, .replyToolCalls, .replyToolArguments, .replyChoices, .replyOpaque, .replyServiceTier,
        .systemFingerprint,
        .stopReason, .stopSequence, .replyTiming,
        .usageCacheRead, .usageCacheWrite,
        .usageReasoning, .usageAudio, .usagePrediction, .usageWebSearches,
    ]
}
