public import NeedletailCore

/// OpenAI chat completions, as OpenAI has it and as the many servers that call themselves compatible bend it.
///
/// Writing is strict (what OpenAI documents); reading takes every deviation seen in the wild, see the decoders.
public enum OpenAIChat: Dialect {
    /// `chat`.
    public static let id = DialectID.openAIChat

    /// All but the stop sequence's own text, which chat completions do not show.
    public static let replyFields = ModelField.reply.subtracting([
        .stopSequence, .stopReason, .replyOpaque, .replyCitations,
    ])

    /// All but what only other dialects have.
    public static let upstreamFields = ModelField.reply.subtracting([.replyOpaque, .stopSequence])

    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { OpenAIChatStreamTap() }
    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { OpenAIChatStreamDecoder() }
    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        OpenAIChatStreamEncoder(options)
    }
}
