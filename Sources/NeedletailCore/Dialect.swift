public import HTTPTypes
public import NIOCore

/// The name of a dialect; the raw value is what `api:` takes in the configuration.
public enum DialectID: String, Sendable, Hashable, CaseIterable {
    /// OpenAI chat completions.
    case openAIChat = "chat"
    /// Anthropic messages.
    case anthropicMessages = "messages"
    /// OpenAI responses.
    case openAIResponses = "responses"
    /// Gemini `generateContent`, at Google AI Studio and Vertex.
    case gemini = "gemini"
    /// Amazon Bedrock Converse.
    case bedrockConverse = "converse"
    /// Ollama's own chat, `/api/chat`.
    case ollamaChat = "ollama"
    /// Ollama's own completion, `/api/generate`.
    case ollamaGenerate = "generate"
    /// Cohere chat, version 2.
    case cohereChat = "cohere"
    /// OpenAI's legacy completions.
    case openAICompletions = "completions"
}

/// How a stream's bytes are cut into events.
public enum StreamFraming: Sendable, Hashable {
    /// Server-sent events (WHATWG HTML, section 9.2).
    case serverSentEvents
    /// One JSON value a line.
    case lines
    /// Amazon's binary event stream, every frame with two checksums.
    case amazonEventStream

    /// The `content-type` of such a stream.
    public var contentType: String {
        switch self {
        case .serverSentEvents: "text/event-stream; charset=utf-8"
        case .lines: "application/x-ndjson"
        case .amazonEventStream: "application/vnd.amazon.eventstream"
        }
    }
}

/// One dialect, both ways: pure functions between bytes and the unified model.
///
/// A dialect knows no URL, no key, no clock and no socket. Client side and upstream side use the same dialects, so N of
/// them give N×N translations.
public protocol Dialect: Sendable {
    /// The dialect's name.
    static var id: DialectID { get }

    /// Reads a client's request.
    ///
    /// - Throws: `.invalidRequest` with ``NeedletailError/parameter`` set to the field at fault.
    static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest

    /// Writes a request for an upstream.
    ///
    /// - Returns: What the dialect could not carry.
    /// - Throws: `.unsupported` or `.invalidRequest` where leaving something out would change the meaning.
    static func encodeRequest(_ request: ChatRequest, into out: inout ByteBuffer) throws(NeedletailError) -> [Loss]

    /// Reads an upstream's whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse

    /// Writes a whole reply for a client.
    ///
    /// - Parameter clock: Seconds since 1970, for a `created` that the upstream did not give.
    /// - Returns: What the dialect could not carry.
    static func encodeReply(
        _ reply: ChatResponse,
        created clock: Int64,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss]

    /// Reads what a passthrough must know of a whole reply: that it is JSON, no error, and its usage.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage?

    /// Reads an upstream's error.
    static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError

    /// Writes an error for a client.
    ///
    /// - Returns: The HTTP status that goes with it.
    static func encodeFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) -> Int

    /// Writes the event that ends a stream which failed after its first byte.
    static func encodeStreamFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer)

    /// Writes the event that ends a stream which failed, where events are numbered.
    ///
    /// - Parameter sent: The last piece that the client was sent, behind the first where events name what they are part of;
    ///   whole events.
    static func encodeStreamFailure(
        _ error: NeedletailError, requestID: String, after sent: ByteBuffer, into out: inout ByteBuffer)

    /// Whether providers of the dialect refuse a conversation in which reasoning lacks its signature, so that a client must
    /// not be left with reasoning that broke off. Default false.
    static var demandsSignedReasoning: Bool { get }

    /// Whether a stream may hold comments: official clients of the dialect pass them over. Default true for server-sent
    /// events.
    static var toleratesComments: Bool { get }

    /// What watches a passed-through stream.
    static func makeStreamTap() -> any StreamTap
    /// What reads an upstream's stream.
    static func makeStreamDecoder() -> any StreamDecoder
    /// What writes a client's stream.
    static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder

    /// What a client of this dialect can be told of another dialect's reply. All else that an upstream says is lost.
    static var replyFields: Set<ModelField> { get }

    /// What an upstream of this dialect may say. What it can write for a client is not the measure: citations are written
    /// by none for another and sent by several.
    static var upstreamFields: Set<ModelField> { get }

    /// Whether a field of its replies, by its name, says something of the call and nothing of the answer, see
    /// ``Loss/isBookkeeping``.
    static func isBookkeeping(_ field: String) -> Bool

    /// What users of this dialect call a field: the path without indices.
    static func name(of field: ModelField) -> String

    /// How its streams are cut into events.
    static var framing: StreamFraming { get }

    /// The headers that tell an error beside its body.
    static func failureHeaders(_ error: NeedletailError) -> HTTPFields
}

extension Dialect {
    /// Server-sent events, as nearly all have it.
    public static var framing: StreamFraming { .serverSentEvents }
    /// They do not, as nearly all.
    public static var demandsSignedReasoning: Bool { false }
    /// Server-sent events have comments, other framings do not.
    public static var toleratesComments: Bool { self.framing == .serverSentEvents }
    /// Without a number, as nearly all have it.
    public static func encodeStreamFailure(
        _ error: NeedletailError, requestID: String, after sent: ByteBuffer, into out: inout ByteBuffer
    ) {
        self.encodeStreamFailure(error, requestID: requestID, into: &out)
    }
    /// None, as nearly all have it.
    public static func failureHeaders(_ error: NeedletailError) -> HTTPFields { [:] }
}

/// What a stream's encoder must know of the request.
public struct StreamEncoderOptions: Sendable {
    /// Whether the client asked for the usage chunk (OpenAI's `stream_options.include_usage`).
    public var includesUsage: Bool
    /// The model's name for replies whose upstream gives none.
    public var model: String
    /// Seconds since 1970, for dialects whose chunks carry a time.
    public var created: Int64
    /// An id for replies whose upstream gives none.
    public var replyID: String
    /// Whether the client speaks OpenAI's legacy `functions`, so that a call is a `function_call`.
    public var usesLegacyFunctions = false
    /// The dialect that the events come from, in whose words losses are named.
    public var source: DialectID?
    /// Members of the client's request that its reply repeats.
    public var echo: [Extension] = []
    /// The id of the reply, whatever the upstream calls it.
    public var assignedID: String?

    /// Creates options.
    public init(includesUsage: Bool, model: String, created: Int64, replyID: String) {
        self.includesUsage = includesUsage
        self.model = model
        self.created = created
        self.replyID = replyID
    }
}

/// Turns chunks into events. Synchronous: the caller owns the suspension points.
public protocol StreamDecoder: Sendable {
    /// Appends every event completed by `chunk`; an unfinished tail stays inside, within a bound.
    ///
    /// - Throws: `.malformedReply` for what is no event of the dialect, or what an error event means. Events appended
    ///   before the throw are good.
    mutating func decode(_ chunk: ByteBuffer, into events: inout [ChatEvent]) throws(NeedletailError)

    /// To be called at the end of the bytes.
    ///
    /// - Throws: `.unreachable` if the stream ended before its reply did.
    mutating func finish(into events: inout [ChatEvent]) throws(NeedletailError)

    /// To be called when the bytes broke or turned to garbage.
    ///
    /// - Returns: Whether what came before is a whole reply, every choice of it with its reason to stop; then `events` has
    ///   its end, and only the dialect's end marker (and perhaps the usage) is missing.
    mutating func salvage(into events: inout [ChatEvent]) -> Bool

    /// Whether the dialect's own end has been seen, so that nothing more need be read.
    var isComplete: Bool { get }

    /// Names what no event tells. Whoever wants to know puts ``UnreadMembers/init(limit:)`` there before the first chunk.
    var unread: UnreadMembers { get set }
}

/// Turns events into bytes.
public protocol StreamEncoder: Sendable {
    /// Appends the bytes for one event, which may be none.
    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer)
    /// Appends the dialect's closing bytes.
    mutating func finish(into out: inout ByteBuffer)
    /// What could not be carried so far.
    var losses: [Loss] { get }
}

/// Watches a stream that passes through unchanged: checks each event, reads usage, sees the end.
public protocol StreamTap: Sendable {
    /// Looks at one event.
    ///
    /// - Parameters:
    ///   - name: The `event:` field, empty if none.
    ///   - data: The `data:` field.
    /// - Returns: Whether the event goes to the client.
    /// - Throws: `.malformedReply` for what is no event of the dialect, or what an error event means.
    mutating func observe(name: ByteBuffer, data: ByteBuffer) throws(NeedletailError) -> TapVerdict

    /// The event last observed, where it was ``TapVerdict/state`` and the tap has decoded it.
    var decoded: JSONView? { get }
    /// The usage known so far; the last one is the total.
    var usage: Usage? { get }
    /// Whether the reply is over: end marker seen, or every choice finished.
    var isComplete: Bool { get }
    /// Whether the dialect's end marker has been seen, after which nothing follows.
    var isTerminated: Bool { get }
    /// Appends the dialect's end marker, for a reply that is whole and whose upstream did not send it.
    func writeEnd(into out: inout ByteBuffer)
}

extension StreamTap {
    /// Nothing, as nearly all taps decode hardly any event.
    public var decoded: JSONView? { nil }
}

extension NeedletailError {
    /// Whether a whole reply stays whole when this ends its stream: the bytes broke, and neither did the provider report
    /// an error nor the client leave.
    package var sparesWholeReply: Bool { self.upstream == nil && self.code != .cancelled }
}

/// What a ``StreamTap`` makes of an event.
public enum TapVerdict: Sendable, Hashable {
    /// An event like any other.
    case forward
    /// A chunk that carries usage and nothing else; withheld if only the gateway asked for it.
    case usageOnly
    /// An event that may hold what only its provider can read: a signature, or reasoning that is encrypted.
    case state
}
