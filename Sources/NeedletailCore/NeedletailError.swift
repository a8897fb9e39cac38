/// The one error of the request path.
///
/// What a failure *means* (may it be tried again, where, and what does the client see) is not decided where it is
/// thrown or caught but in one table, ``disposition``.
public struct NeedletailError: Error, Sendable {
    /// What went wrong.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        enum Wrapped: String, CaseIterable {
            case invalidRequest, unprocessable, unsupported, tooLarge
            case unauthorized, forbidden, notFound, modelForbidden
            case rateLimited, budgetExceeded
            case credentialRejected, quotaExhausted
            case upstreamFailed, overloaded, conflict, unreachable, malformedReply
            case unavailable, timedOut, cancelled, internalFailure
        }

        let wrapped: Wrapped

        /// The code's name.
        public var description: String { self.wrapped.rawValue }

        /// Every code, for tests and tables.
        public static var allCases: [Self] { Wrapped.allCases.map { Self(wrapped: $0) } }

        /// The request itself is wrong; every provider would refuse it.
        public static let invalidRequest = Self(wrapped: .invalidRequest)
        /// The request is well formed and the provider cannot process it (its 422).
        public static let unprocessable = Self(wrapped: .unprocessable)
        /// No candidate has the operation or feature, or a strict request would lose a field.
        public static let unsupported = Self(wrapped: .unsupported)
        /// The body is over a limit, ours or the provider's.
        public static let tooLarge = Self(wrapped: .tooLarge)
        /// The caller's key is missing or unknown.
        public static let unauthorized = Self(wrapped: .unauthorized)
        /// The caller's key may not use this.
        public static let forbidden = Self(wrapped: .forbidden)
        /// There is no such model or path.
        public static let notFound = Self(wrapped: .notFound)
        /// The provider does not let our account use this model (its 403 about a model).
        public static let modelForbidden = Self(wrapped: .modelForbidden)
        /// Too many requests or tokens, by our limit or the provider's.
        public static let rateLimited = Self(wrapped: .rateLimited)
        /// The caller has spent its budget.
        public static let budgetExceeded = Self(wrapped: .budgetExceeded)
        /// The provider refused our key.
        public static let credentialRejected = Self(wrapped: .credentialRejected)
        /// The account behind our key is out of money.
        public static let quotaExhausted = Self(wrapped: .quotaExhausted)
        /// The provider failed with a 5xx.
        public static let upstreamFailed = Self(wrapped: .upstreamFailed)
        /// The provider says that it is full (503, 529).
        public static let overloaded = Self(wrapped: .overloaded)
        /// The provider asks to come again (409, 425).
        public static let conflict = Self(wrapped: .conflict)
        /// No connection could be made, or it broke.
        public static let unreachable = Self(wrapped: .unreachable)
        /// The provider answered something that cannot be read.
        public static let malformedReply = Self(wrapped: .malformedReply)
        /// No candidate may be asked now.
        public static let unavailable = Self(wrapped: .unavailable)
        /// A time limit passed.
        public static let timedOut = Self(wrapped: .timedOut)
        /// The caller went away.
        public static let cancelled = Self(wrapped: .cancelled)
        /// A fault of ours.
        public static let internalFailure = Self(wrapped: .internalFailure)
    }

    /// What the provider said, where it said something: kept so that a client sees the fields it acts on.
    public struct Upstream: Sendable, Hashable {
        /// The HTTP status; 200 for an error inside a stream.
        public var status: Int
        /// The provider's error type, for example `invalid_request_error`.
        public var type: String?
        /// The provider's error code, for example `context_length_exceeded`.
        public var code: String?
        /// The request field that the provider names.
        public var parameter: String?
        /// The provider's id of the failed request, for its support.
        public var requestID: String?

        /// Creates a record.
        public init(
            status: Int,
            type: String? = nil,
            code: String? = nil,
            parameter: String? = nil,
            requestID: String? = nil
        ) {
            self.status = status
            self.type = type
            self.code = code
            self.parameter = parameter
            self.requestID = requestID
        }
    }

    /// Why a request was refused that another model may answer, where that is known.
    public enum Reason: String, Sendable, Hashable {
        /// It has more tokens than the model takes.
        case contextWindow = "context_window"
        /// The provider's filter found something in it.
        case contentFilter = "content_filter"
    }

    /// What an error holds; behind a reference, since every asynchronous frame between the throw and the catch keeps room
    /// for the error that it may pass on.
    private final class Storage: Sendable {
        let fields: Fields

        init(_ fields: Fields) {
            self.fields = fields
        }
    }

    private struct Fields: Sendable {
        var code: Code
        var message: String
        var provider: ProviderID?
        var retryAfter: Duration?
        var parameter: String?
        var upstream: Upstream?
        var cause: (any Error)?
        var mayHaveBeenProcessed: Bool
        var hasOtherCredential = false
        var isExhausted = false
        var reason: Reason?
    }

    private var storage: Storage

    /// Creates an error.
    public init(
        _ code: Code,
        _ message: String,
        provider: ProviderID? = nil,
        retryAfter: Duration? = nil,
        parameter: String? = nil,
        upstream: Upstream? = nil,
        cause: (any Error)? = nil,
        mayHaveBeenProcessed: Bool = false
    ) {
        self.storage = Storage(
            Fields(
                code: code, message: message, provider: provider, retryAfter: retryAfter, parameter: parameter,
                upstream: upstream, cause: cause, mayHaveBeenProcessed: mayHaveBeenProcessed))
    }

    /// A change makes a new storage: errors are shared and seldom changed.
    private mutating func set<Value>(_ field: WritableKeyPath<Fields, Value>, _ value: Value) {
        var fields = self.storage.fields
        fields[keyPath: field] = value
        self.storage = Storage(fields)
    }

    /// What went wrong.
    public var code: Code {
        get { self.storage.fields.code }
        set { self.set(\.code, newValue) }
    }

    /// For people, and safe for the client to see. Never contains a secret or a prompt.
    public var message: String {
        get { self.storage.fields.message }
        set { self.set(\.message, newValue) }
    }

    /// Who failed, if it was a provider.
    public var provider: ProviderID? {
        get { self.storage.fields.provider }
        set { self.set(\.provider, newValue) }
    }

    /// How long the provider asked us to wait.
    public var retryAfter: Duration? {
        get { self.storage.fields.retryAfter }
        set { self.set(\.retryAfter, newValue) }
    }

    /// The request field at fault, in the client's words.
    public var parameter: String? {
        get { self.storage.fields.parameter }
        set { self.set(\.parameter, newValue) }
    }

    /// What the provider said.
    public var upstream: Upstream? {
        get { self.storage.fields.upstream }
        set { self.set(\.upstream, newValue) }
    }

    /// What lies behind it, for the operator's log only.
    public var cause: (any Error)? {
        get { self.storage.fields.cause }
        set { self.set(\.cause, newValue) }
    }

    /// Whether the upstream may already have worked on (and billed) the request.
    public var mayHaveBeenProcessed: Bool {
        get { self.storage.fields.mayHaveBeenProcessed }
        set { self.set(\.mayHaveBeenProcessed, newValue) }
    }

    /// Whether the provider that failed has another key that is ready, so that it may be asked again at once.
    public var hasOtherCredential: Bool {
        get { self.storage.fields.hasOtherCredential }
        set { self.set(\.hasOtherCredential, newValue) }
    }

    /// Whether no more tries can help: the request has had all that it may have, so that a client's own retries would only
    /// multiply them.
    public var isExhausted: Bool {
        get { self.storage.fields.isExhausted }
        set { self.set(\.isExhausted, newValue) }
    }

    /// Why the request was refused, where another model may answer it.
    public var reason: Reason? {
        get { self.storage.fields.reason }
        set { self.set(\.reason, newValue) }
    }

    /// Wraps what a transport or a library threw.
    package init(wrapping error: any Error) {
        switch error {
        case let error as NeedletailError: self = error
        case is CancellationError: self.init(.cancelled, "The request was cancelled.", cause: error)
        default: self.init(.unreachable, "The connection to the provider broke.", cause: error)
        }
    }
}
