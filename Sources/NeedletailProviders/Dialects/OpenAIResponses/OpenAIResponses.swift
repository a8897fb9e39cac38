public import NeedletailCore

/// OpenAI responses: <https://platform.openai.com/docs/api-reference/responses>.
///
/// A reply is a list of items. Messages, reasoning and calls of the client's tools have places in the model; every other
/// item (what a tool of the provider did, a request for an approval) is opaque. An item of reasoning becomes one part of
/// reasoning per text of its summary, and `encrypted_content` the signature of the last; an item with nothing but
/// `encrypted_content` is redacted reasoning.
public enum OpenAIResponses: Dialect {
    /// `responses`.
    public static let id = DialectID.openAIResponses

    /// All but sound, several replies, and what only other dialects count or name.
    public static let replyFields = ModelField.reply.subtracting([
        .replyAudio, .replyChoices, .replyOpaque, .replyCitations, .stopReason, .stopSequence, .systemFingerprint,
        .usageAudio, .usagePrediction, .usageWebSearches, .replyTiming,
    ])

    /// All but what only other dialects have.
    public static let upstreamFields = ModelField.reply.subtracting([
        .replyAudio, .replyChoices, .stopSequence, .systemFingerprint, .usageAudio, .usagePrediction,
        .replyTiming,
    ])

    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { OpenAIResponsesStreamTap() }
    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { OpenAIResponsesStreamDecoder() }
    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        OpenAIResponsesStreamEncoder(options)
    }
}
