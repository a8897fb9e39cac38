public import HTTPTypes
public import NeedletailCore

/// Everything that distinguishes one kind of upstream from another that speaks the same dialect.
///
/// A provider is data, a dialect is code: adding a provider means adding one of these in `Catalog/`, its name to
/// ``all``, and its fixtures.
public struct ProviderSpec: Sendable {
    /// How a request proves who we are.
    public enum Auth: Sendable, Hashable {
        /// Not at all.
        case none
        /// `Authorization: Bearer KEY`.
        case bearer
        /// A header that holds the key alone.
        case header(HTTPField.Name)
    }

    /// What servers of one dialect do differently.
    public enum Quirk: Sendable, Hashable {
        /// Translated requests must say `max_completion_tokens` instead of `max_tokens`.
        case wantsMaxCompletionTokens
        /// `stream_options` is refused; streamed usage is known only if the server sends it unasked.
        case refusesStreamOptions
        /// Images and documents must be in the request itself; a URL is refused by the server.
        case takesOnlyInlineMedia
        /// Chat completions take tools of the type `custom`.
        case takesCustomTools
    }

    /// The name that `type:` takes in the configuration.
    public var type: String
    /// The dialects that it speaks, the preferred one first.
    public var dialects: [DialectID]
    /// Where it is; `nil` if the operator must say.
    public var baseURL: String?
    /// How a request proves who we are.
    public var auth: Auth
    /// Headers of every request, by dialect.
    public var headers: [DialectID: HTTPFields]
    /// Where its operations are, by dialect; a dialect that is left out has its usual paths.
    public var paths: [DialectID: OperationPaths]
    /// What it does differently.
    public var quirks: Set<Quirk>
    /// How the names of its environment variables begin: `EXAMPLE` for `EXAMPLE_API_KEY` and `EXAMPLE_BASE_URL`.
    public var environmentPrefix: String?
    /// The environment variable in which a server on this machine is told where to listen: `host`, `host:port` or a URL.
    public var hostVariable: String?
    /// Whether it refuses every request without a key.
    public var requiresKey: Bool
    /// How its model names begin, for choosing a provider before its live list is known.
    public var modelPrefixes: [String]
    /// Whether it answers by itself, without an upstream.
    public var isMock: Bool

    /// Creates a description.
    public init(
        type: String,
        dialects: [DialectID],
        baseURL: String?,
        auth: Auth,
        headers: [DialectID: HTTPFields] = [:],
        paths: [DialectID: OperationPaths] = [:],
        quirks: Set<Quirk> = [],
        environmentPrefix: String? = nil,
        hostVariable: String? = nil,
        requiresKey: Bool = false,
        modelPrefixes: [String] = [],
        isMock: Bool = false
    ) {
        self.type = type
        self.dialects = dialects
        self.baseURL = baseURL
        self.auth = auth
        self.headers = headers
        self.paths = paths
        self.quirks = quirks
        self.environmentPrefix = environmentPrefix
        self.hostVariable = hostVariable
        self.requiresKey = requiresKey
        self.modelPrefixes = modelPrefixes
        self.isMock = isMock
    }

    /// The dialect to ask in: the client's own if the provider speaks it, else its first.
    func dialect(for client: DialectID?) -> DialectID {
        if let client, self.dialects.contains(client) { return client }
        return self.dialects.first ?? .openAIChat
    }
}
