public import NeedletailCore

/// Amazon Bedrock Converse: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.
///
/// The parts: `+RequestDecoding`, `+RequestEncoding`, `+ReplyDecoding`, `+ReplyEncoding`, `+Failure`, `+Streams`,
/// `+TokenCounting`. The model's name stands in the path and so does the wish for a stream.
public enum BedrockConverse: Dialect {
    /// The dialect's name.
    public static let id = DialectID.bedrockConverse

    /// Binary frames.
    public static let framing = StreamFraming.amazonEventStream

    /// Claude refuses reasoning without its signature.
    public static let demandsSignedReasoning = true

    /// What a client here can be told of another dialect's reply.
    public static let replyFields: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyRedacted, .stopSequence, .usageCacheRead, .usageCacheWrite,
        .replyServiceTier, .replyToolCalls, .replyToolArguments, .replyImage, .replyTiming,
    ]

    /// What models behind it say.
    public static let upstreamFields: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyRedacted, .replyCitations, .replyOpaque, .replyServiceTier,
        .stopReason, .stopSequence, .usageCacheRead, .usageCacheWrite, .replyToolCalls, .replyToolArguments,
        .replyImage, .replyTiming,
    ]
}
