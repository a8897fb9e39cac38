public import NeedletailCore

/// Anthropic's messages API, as Anthropic, Azure, Vertex and Bedrock speak it.
///
/// The parts: `+RequestDecoding`, `+RequestEncoding`, `+ReplyDecoding`, `+ReplyEncoding`, `+Failure`, `+Streams`.
public enum AnthropicMessages: Dialect {
    /// The dialect's name.
    public static let id = DialectID.anthropicMessages

    /// Claude refuses thinking without its signature.
    public static let demandsSignedReasoning = true

    /// What a client here can be told of another dialect's reply; `docs/translation.md` has the whole table.
    public static let replyFields: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyRedacted, .replyServiceTier, .replyRefusal, .stopSequence,
        .usageCacheRead, .usageCacheWrite, .usageReasoning, .usageWebSearches, .replyToolCalls,
        .replyToolArguments,
    ]

    /// All but what only other dialects have.
    public static let upstreamFields = ModelField.reply.subtracting([
        .replyLogprobs, .replyAudio, .replyChoices, .systemFingerprint, .usageAudio, .usagePrediction, .replyRefusal,
        .replyImage, .replyTiming,
    ])
}
