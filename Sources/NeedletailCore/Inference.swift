public import HTTPTypes
public import NIOCore

/// What the client asks for.
public enum Operation: String, Sendable, Hashable, CaseIterable {
    /// A chat reply, whole or streamed.
    case chat
    /// The number of input tokens of a chat request.
    case countTokens
    /// The models that a provider serves.
    case listModels
    /// Vectors for texts.
    case embeddings
    /// The vector for one text, where a dialect has an operation of its own for that.
    case singleEmbedding
    /// The order of documents by how well they answer a query.
    case rerank
    /// Whether a text is harmful.
    case moderations
    /// Images from text.
    case imageGeneration
    /// Images from images and text.
    case imageEdit
    /// Sound from text.
    case speech
    /// Text from sound.
    case transcription
    /// English text from sound.
    case translation
    /// A response that was created before, by its id.
    case retrieveResponse
    /// To forget such a response.
    case deleteResponse
    /// The items that such a response was made of.
    case listInputItems

    /// Whether it is a conversation, in any of the chat dialects.
    public var isChat: Bool { self == .chat || self == .countTokens }

    /// Whether a provider bills for it.
    public var isBilled: Bool {
        !self.isAboutResponse && self != .countTokens && self != .listModels
    }

    /// Whether it is about a response that was created before. Then the request's model is the response's id, and its
    /// bytes are the query of the path.
    public var isAboutResponse: Bool {
        self == .retrieveResponse || self == .deleteResponse || self == .listInputItems
    }
}

/// What a request needs of the model that answers it, read by the same scan that finds the model.
public struct Features: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt32

    /// Creates a set from its bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The request offers tools or functions.
    public static let tools = Self(rawValue: 1 << 0)
    /// The request holds an image.
    public static let images = Self(rawValue: 1 << 1)
    /// The request holds a document or file.
    public static let documents = Self(rawValue: 1 << 2)
    /// The request holds or asks for audio.
    public static let audio = Self(rawValue: 1 << 3)
    /// The reply must follow a JSON schema or be JSON.
    public static let structuredOutput = Self(rawValue: 1 << 4)
    /// The request asks for reasoning.
    public static let reasoning = Self(rawValue: 1 << 5)
    /// The request asks for log probabilities.
    public static let logprobs = Self(rawValue: 1 << 6)
}

/// Bytes and the dialect they are written in.
///
/// Bytes are the truth; typed models are views made from them when somebody needs one. When client and upstream speak
/// the same dialect the bytes go through untouched, so fields this library has never heard of survive.
public struct WireBody: Sendable {
    /// The dialect of the bytes.
    public var dialect: DialectID
    /// The bytes.
    public var bytes: ByteBuffer

    /// Creates a body.
    public init(dialect: DialectID, bytes: ByteBuffer) {
        self.dialect = dialect
        self.bytes = bytes
    }
}

/// Where the parts of a JSON request lie that a passthrough edits. Offsets count from the body's reader index.
public struct BodyLandmarks: Sendable, Hashable {
    /// The value of `model`, quotes included.
    public var model: Range<Int>?
    /// The value of `stream_options`.
    public var streamOptions: Range<Int>?
    /// Whether the client asked for the usage chunk of an OpenAI stream.
    public var asksForStreamUsage: Bool
    /// Whether the body may hold what only the provider that issued it can read: signatures, encrypted reasoning, ids.
    public var mayHoldState: Bool
    /// The offset of the object's closing brace.
    public var end: Int

    /// Creates landmarks.
    public init(
        model: Range<Int>? = nil,
        streamOptions: Range<Int>? = nil,
        asksForStreamUsage: Bool = false,
        mayHoldState: Bool = false,
        end: Int = 0
    ) {
        self.model = model
        self.streamOptions = streamOptions
        self.asksForStreamUsage = asksForStreamUsage
        self.mayHoldState = mayHoldState
        self.end = end
    }
}

/// One request, with the few facts that routing needs already read from its body.
public struct InferenceRequest: Sendable {
    /// The content, as the client's bytes or as a typed model. Indirect, since every layer passes it on.
    public indirect enum Body: Sendable {
        /// The client's bytes, and where to splice them.
        case wire(WireBody, BodyLandmarks)
        /// A request made in Swift.
        case model(ChatRequest)
    }

    /// What is asked for.
    public var operation: Operation
    /// The model's name; what the client wrote, until the router replaces it by the target's.
    public var model: String
    /// Whether the reply is to be streamed.
    public var isStreaming: Bool
    /// The most output tokens that the client allows, where it says.
    public var maxOutputTokens: Int?
    /// Whether ``maxOutputTokens`` is less than what the body says, because a budget buys no more.
    public var isOutputClamped = false
    /// How many answers the client asks for, each of so many tokens.
    public var choices = 1
    /// How often the provider may search for it, as far as the request says.
    public var searches = 0
    /// How many pictures it holds.
    public var images = 0
    /// The client's own user, as the request names it, at most 256 bytes; `nil` for none.
    public var user: String?
    /// A conservative guess at the input tokens.
    public var estimatedInputTokens: Int
    /// What the model must be able to do.
    public var features: Features
    /// The content.
    public var body: Body
    /// The dialect that the reply must be in; `nil` leaves it in the upstream's.
    public var replyDialect: DialectID?
    /// The dialect to ask the upstream in, set by a target that says so; `nil` leaves the choice to the provider.
    public var upstreamDialect: DialectID?
    /// The only provider that may answer: it keeps what the request goes on from. `nil` for any.
    public var pin: ProviderID?
    /// The id of a translated reply; `nil` leaves it to the upstream.
    public var replyID: String?
    /// Members that a translated reply repeats besides those of the body.
    public var echo: [Extension] = []
    /// What the client has of the answer already: only the rest is wanted. `nil` for all of it.
    public var continuation: Continuation?

    /// Creates a request.
    public init(
        operation: Operation,
        model: String,
        isStreaming: Bool = false,
        maxOutputTokens: Int? = nil,
        estimatedInputTokens: Int = 0,
        features: Features = [],
        body: Body,
        replyDialect: DialectID?
    ) {
        self.operation = operation
        self.model = model
        self.isStreaming = isStreaming
        self.maxOutputTokens = maxOutputTokens
        self.estimatedInputTokens = estimatedInputTokens
        self.features = features
        self.body = body
        self.replyDialect = replyDialect
    }
}

/// How a reply ended.
public struct Outcome: Sendable {
    /// The three ways to end.
    public enum End: Sendable {
        /// The last byte was delivered.
        case finished
        /// The upstream broke after the reply was committed.
        case failed(NeedletailError)
        /// Nobody read the reply to its end, most likely because the client went away.
        case abandoned
    }

    /// How it ended.
    public var end: End
    /// The tokens spent, as far as known.
    public var usage: Usage?
    /// What translation lost of the reply.
    public var losses: [Loss]

    /// Whether nobody read the reply to its end.
    package var hasLeft: Bool {
        if case .abandoned = self.end { true } else { false }
    }

    /// Creates an outcome.
    public init(_ end: End, usage: Usage? = nil, losses: [Loss] = []) {
        self.end = end
        self.usage = usage
        self.losses = losses
    }
}

/// A committed reply.
public struct InferenceReply: Sendable {
    /// Whole or streamed.
    public enum Body: Sendable {
        /// The whole reply. Indirect, since usage is large and a reply passes through every layer.
        indirect case complete(WireBody, Usage?)
        /// Its first event has arrived and is good.
        case stream(ReplyStream)
    }

    /// The provider that answered.
    public var provider: ProviderID
    /// The model that was asked, in the provider's words.
    public var model: String
    /// Upstream headers worth showing to the client.
    public var headers: HTTPFields
    /// What translation could not carry: of the request, and of a whole reply.
    public var losses: [Loss]
    /// What translation may be unable to carry of a stream, whose headers go first; ``Outcome/losses`` tells what was.
    public var possibleLosses: [Loss] = []
    /// The type of the content where it is neither JSON nor the dialect's stream, for example sound.
    public var contentType: String?
    /// The content.
    public var body: Body
    /// The dialect that the upstream was asked in, where one was.
    public var upstream: DialectID?
    /// How it relates to the cache; `nil` where there is none.
    public var cacheStatus: CacheStatus?
    /// What a budget made of the request; `nil` for nothing. Such a reply is nobody else's.
    public var budgetEffect: BudgetEffect?

    /// Creates a reply.
    public init(
        provider: ProviderID,
        model: String,
        headers: HTTPFields = [:],
        losses: [Loss] = [],
        contentType: String? = nil,
        body: Body
    ) {
        self.provider = provider
        self.model = model
        self.headers = headers
        self.losses = losses
        self.contentType = contentType
        self.body = body
    }

    /// Runs `action` exactly once: now for a complete reply, when the stream ends otherwise.
    ///
    /// A layer that must account for the call registers here and so treats both shapes alike.
    public func onEnd(_ action: @escaping @Sendable (Outcome) -> Void) {
        switch self.body {
        case .complete(_, let usage): action(Outcome(.finished, usage: usage, losses: self.losses))
        case .stream(let stream): stream.onEnd(action)
        }
    }
}
