public import NeedletailCore

/// Gemini's `generateContent`, as Google AI Studio and Vertex speak it:
/// <https://ai.google.dev/api/generate-content>, <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.
///
/// The formats are protocol buffers in JSON, so every field is read in camel case and in snake case and a field at its
/// default may be absent. Model and streaming stand in the path, not in the body.
///
/// A thought signature belongs to the part that it came with: to a call, if it stands alone (without text) directly
/// before one; to whatever stands before it otherwise; to the thoughts that it has the text of. In the unified model, and
/// so on the way through other dialects' clients, that is a ``NeedletailCore/ReasoningPart`` with or without text.
public enum Gemini: Dialect {
    /// The dialect's name.
    public static let id = DialectID.gemini

    /// Google's SDK for Python takes every line without `data: ` for JSON.
    public static let toleratesComments = false

    /// What a client here can be told of another dialect's reply.
    public static let replyFields: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyCitations, .replyLogprobs, .replyChoices, .usageCacheRead,
        .usageReasoning, .usageAudio, .replyToolCalls, .replyImage, .replyServiceTier,
    ]

    /// All but what only other dialects have.
    public static let upstreamFields: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyCitations, .replyLogprobs, .replyChoices, .replyOpaque,
        .replyServiceTier, .replyRefusal, .stopReason, .usageCacheRead, .usageReasoning, .usageAudio, .replyToolCalls,
        .replyImage,
    ]

    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { GeminiStreamTap() }
    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { GeminiStreamDecoder() }
    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        GeminiStreamEncoder(options)
    }
}
