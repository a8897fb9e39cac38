public import HTTPTypes
public import NIOCore

/// What a mock upstream is told to do; read from YAML by the control plane.
public struct MockScript: Sendable, Hashable {
    /// Where every choice of the mock comes from.
    public var seed: UInt64
    /// The tokens that every answer claims, where its rule gives none.
    public var usage: MockUsage?
    /// How long to think before the head; `nil` for 100 to 200 ms, by the seed.
    public var delay: Duration?
    /// The pause before each chunk of a stream.
    public var chunkDelay: Duration
    /// The names that the models list shows; every other name is answered as well.
    public var models: [String]
    /// What to do; the first rule that matches wins.
    public var rules: [MockRule]

    /// Creates a script.
    public init(
        seed: UInt64 = 0,
        usage: MockUsage? = nil,
        delay: Duration? = nil,
        chunkDelay: Duration = .zero,
        models: [String] = ["mock-model"],
        rules: [MockRule] = []
    ) {
        self.seed = seed
        self.usage = usage
        self.delay = delay
        self.chunkDelay = chunkDelay
        self.models = models
        self.rules = rules
    }
}

/// The tokens that an answer claims.
public struct MockUsage: Sendable, Hashable {
    /// All input, cached parts included.
    public var input: Int
    /// All output, reasoning included.
    public var output: Int
    /// Of the input: read from the prompt cache.
    public var cached: Int
    /// Of the output: reasoning.
    public var reasoning: Int

    /// Creates a usage.
    public init(input: Int, output: Int, cached: Int = 0, reasoning: Int = 0) {
        self.input = input
        self.output = output
        self.cached = cached
        self.reasoning = reasoning
    }
}

/// One line of a script.
public struct MockRule: Sendable, Hashable {
    /// Which requests it is for.
    public var match: MockMatch
    /// What they get; what is not said here comes from the default answer.
    public var reply: MockScriptedReply
    /// What goes wrong.
    public var fault: MockFault?

    /// Creates a rule.
    public init(
        match: MockMatch = MockMatch(), reply: MockScriptedReply = MockScriptedReply(), fault: MockFault? = nil
    ) {
        self.match = match
        self.reply = reply
        self.fault = fault
    }
}

/// Which requests a rule is for; every condition that is set must hold.
public struct MockMatch: Sendable, Hashable {
    /// A glob over the path without its query. A rule without it matches `POST` only, so that health checks neither
    /// trigger nor count.
    public var path: String?
    /// A glob over the model's name.
    public var model: String?
    /// The method.
    public var method: String?
    /// Whether a stream is asked for.
    public var isStreaming: Bool?
    /// A glob over the key that came with the request.
    public var key: String?
    /// Text that the body must hold.
    public var contains: String?
    /// Only the n-th request that meets the other conditions, counted from 1.
    public var nth: Int?
    /// Only every n-th of them.
    public var every: Int?
    /// Only this share of them, chosen by the seed; 0 to 1.
    public var probability: Double?

    /// Matches every `POST`.
    public init() {}
}

/// What a rule answers.
public struct MockScriptedReply: Sendable, Hashable {
    /// A call that the answer makes.
    public struct ToolCall: Sendable, Hashable {
        /// Made from the seed if empty.
        public var id: String
        /// The tool.
        public var name: String
        /// Its arguments as JSON text.
        public var arguments: String

        /// Creates a call.
        public init(id: String = "", name: String, arguments: String) {
            self.id = id
            self.name = name
            self.arguments = arguments
        }
    }

    /// A body to send as it is.
    public struct RawBody: Sendable, Hashable {
        /// The bytes.
        public var bytes: ByteBuffer
        /// Their `content-type`.
        public var contentType: String

        /// Creates a body.
        public init(bytes: ByteBuffer, contentType: String) {
            self.bytes = bytes
            self.contentType = contentType
        }
    }

    /// The status; without a body, one of 400 and over gives the dialect's own error.
    public var status: Int?
    /// Headers besides the dialect's own.
    public var headers: HTTPFields = [:]
    /// `body:` or `fixture:`, sent as it is.
    public var raw: RawBody?
    /// The answer's text, or the message of an error.
    public var text: String?
    /// The answer's tool calls.
    public var toolCalls: [ToolCall] = []
    /// The answer's reasoning.
    public var reasoning: String?
    /// How long to think before the head.
    public var delay: Duration?
    /// The pause before each chunk of a stream.
    public var chunkDelay: Duration?
    /// How many chunks the text comes in.
    public var chunks: Int?
    /// The tokens to claim.
    public var usage: MockUsage?

    /// The default answer.
    public init() {}
}

/// What goes wrong in a reply.
public struct MockFault: Sendable, Hashable {
    /// Where.
    public enum Place: Sendable, Hashable {
        /// Before anything.
        case connect
        /// In the place of the head.
        case headers
        /// After the head, before the first event.
        case firstEvent
        /// In the place of the n-th chunk, counted from 1 after the preamble: n − 1 chunks come before it.
        case chunk(Int)
        /// Inside the arguments of the first tool call.
        case toolArguments
        /// Inside the reasoning.
        case thinking
        /// After the content, before the event that carries the usage (or would).
        case beforeUsage
        /// Before the dialect's end marker.
        case beforeDone
    }

    /// How.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The connection breaks.
        case reset
        /// Nothing comes any more, for ``MockFault/duration`` or for ever; then the connection breaks.
        case stall
        /// Bytes that are no event of the dialect; then it goes on as if nothing had been.
        case garbage
        /// The dialect's error event, and a proper end of the message.
        case errorEvent = "error_event"
        /// A pause of ``MockFault/duration``, by default a second; then it goes on.
        case slow
    }

    /// Where.
    public var place: Place
    /// How.
    public var kind: Kind
    /// For how long.
    public var duration: Duration?

    /// Creates a fault.
    public init(at place: Place, kind: Kind, for duration: Duration? = nil) {
        self.place = place
        self.kind = kind
        self.duration = duration
    }
}
