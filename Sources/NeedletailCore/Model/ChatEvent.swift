/// One step of a streamed chat reply.
///
/// Rules that every decoder keeps and every encoder may rely on: ``started`` comes first and once; the fragments of a
/// tool call follow its ``toolCallStarted``; ``finished`` comes once per choice, after its content; ``usage`` may come
/// several times, each replaces the one before.
///
/// What is large and rare is kept apart: a piece of text, of which streams consist, is copied on its way.
public enum ChatEvent: Sendable, Hashable {
    /// The reply has begun.
    indirect case started(StreamStart)
    /// More text.
    case text(String, choice: Int)
    /// A source of the text just sent: a JSON object in the words of `dialect`.
    case citation(JSONText, dialect: DialectID, choice: Int)
    /// More of a refusal.
    case refusal(String, choice: Int)
    /// More reasoning.
    case reasoning(String, choice: Int)
    /// The signature of the reasoning just sent.
    case reasoningSignature(String, choice: Int)
    /// Reasoning that only its provider can read.
    case redactedReasoning(String, choice: Int)
    /// A tool call begins; `index` counts the calls of the choice from 0.
    case toolCallStarted(index: Int, id: String, name: String, isCustom: Bool, choice: Int)
    /// More of a call's arguments.
    case toolCallArguments(index: Int, fragment: String, choice: Int)
    /// The block of content that was being sent is whole. Optional: dialects without blocks do not send it.
    case blockEnded(choice: Int)
    /// A part that only its own dialect knows, whole.
    indirect case opaque(OpaquePart, choice: Int)
    /// Sound, in OpenAI's form.
    case audio(JSONText, choice: Int)
    /// An image, whole.
    indirect case image(ImagePart, choice: Int)
    /// Log probabilities of the text just sent, in OpenAI's form.
    case logprobs(JSONText, choice: Int)
    /// A choice has ended.
    case finished(StopReason, stopSequence: String?, choice: Int)
    /// The tokens spent so far; the last one is the total.
    indirect case usage(Usage)
}

/// What is known when a streamed reply begins.
public struct StreamStart: Sendable, Hashable {
    /// The provider's id of the reply; empty if it gave none.
    public var id: String
    /// The model that answers; empty if the provider did not say.
    public var model: String
    /// When, in seconds since 1970, where the provider says.
    public var created: Int64?
    /// OpenAI's fingerprint of the back-end.
    public var systemFingerprint: String?
    /// The tier that processes it.
    public var serviceTier: String?

    /// Creates a start.
    public init(id: String, model: String, created: Int64? = nil) {
        self.id = id
        self.model = model
        self.created = created
    }
}
