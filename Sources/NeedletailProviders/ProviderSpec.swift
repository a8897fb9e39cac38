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

    /// Who gives out tokens to whoever has no key of the provider's own.
    public enum Identity: Sendable, Hashable {
        /// Microsoft Entra, for the scope that is named.
        case microsoftEntra(scope: String)
        /// Google's OAuth: a service account, a person's stored consent, or the machine's metadata server.
        case googleCloud
        /// Amazon: each request is signed for the service that is named, with keys, a profile, or a role.
        case amazon(service: String)
    }

    /// The dialects of the models whose names begin in a certain way.
    public struct ModelDialects: Sendable, Hashable {
        /// How the names begin; empty for all.
        public var prefix: String
        /// The dialects, the preferred one first.
        public var dialects: [DialectID]

        /// Creates a rule.
        public init(prefix: String, _ dialects: [DialectID]) {
            self.prefix = prefix
            self.dialects = dialects
        }
    }

    /// What its own service allows an account, as a start for those who write no limits.
    public struct DefaultLimits: Sendable, Hashable {
        /// Requests a minute.
        public var requestsPerMinute: Int
        /// Tokens a minute.
        public var tokensPerMinute: Int

        /// Creates limits.
        public init(requestsPerMinute: Int, tokensPerMinute: Int) {
            self.requestsPerMinute = requestsPerMinute
            self.tokensPerMinute = tokensPerMinute
        }
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
        /// Chat completions take the reasoning of earlier turns back as `reasoning_details`.
        case takesReasoningDetails
    }

    /// What its calls cost.
    public enum Billing: Sendable, Hashable {
        /// What ``PriceCatalogue`` lists for its type.
        case own
        /// Nothing for each call: it runs on the operator's own machines, or makes its answers up.
        case nothing
        /// What is listed for another type, for models of the same name: an estimate.
        case like(String)
    }

    /// The name that `type:` takes in the configuration.
    public var type: String
    /// The dialects that it speaks, the preferred one first.
    public var dialects: [DialectID]
    /// Where it is; `nil` if the operator must say.
    public var baseURL: String?
    /// How a request proves who we are.
    public var auth: Auth
    /// How it is done in a dialect where it is done in another way.
    public var authByDialect: [DialectID: Auth]
    /// Who proves where there is no key: by a token, sent as `Authorization: Bearer`, or by a signature.
    public var identity: Identity?
    /// Headers of every request, by dialect.
    public var headers: [DialectID: HTTPFields]
    /// Where its operations are, by dialect; a dialect that is left out has its usual paths.
    public var paths: [DialectID: OperationPaths]
    /// How the bodies of its requests differ, by dialect.
    public var requestFields: [DialectID: RequestFields]
    /// What it does differently.
    public var quirks: Set<Quirk>
    /// What it needs to know beside base URL and key.
    public var settings: [ProviderSetting]
    /// The forms that it has beside its usual one; the first that fits counts.
    public var forms: [ProviderForm]
    /// Which models speak which dialect, where not all speak all; the first that fits counts.
    public var modelDialects: [ModelDialects]
    /// The models whose state is good at other providers too; that of all others only at the account it was issued to.
    public var stateFamilies: [StateFamily]
    /// Which models make vectors in a format that belongs to no dialect; the first that fits counts.
    public var embeddingForms: [EmbeddingForm]
    /// How the names of its environment variables begin: `EXAMPLE` for `EXAMPLE_API_KEY` and `EXAMPLE_BASE_URL`.
    public var environmentPrefix: String?
    /// The environment variable in which a server on this machine is told where to listen: `host`, `host:port` or a URL.
    public var hostVariable: String?
    /// Environment variables that hold its key beside the one with the prefix.
    public var otherKeyVariables: [String]
    /// Environment variables that hold its base URL beside the one with the prefix.
    public var otherBaseURLVariables: [String]
    /// Whether it refuses every request without a key.
    public var requiresKey: Bool
    /// How its model names begin, for choosing a provider before its live list is known.
    public var modelPrefixes: [String]
    /// Whether it answers by itself, without an upstream.
    public var isMock: Bool
    /// How it takes jobs, if it does not answer at once.
    public var jobs: JobKind?
    /// What its calls cost.
    public var billing: Billing
    /// What its own service allows where no limits are written; `nil` for no limits.
    public var limits: DefaultLimits?

    /// Creates a description.
    public init(
        type: String,
        dialects: [DialectID],
        baseURL: String?,
        auth: Auth,
        authByDialect: [DialectID: Auth] = [:],
        identity: Identity? = nil,
        headers: [DialectID: HTTPFields] = [:],
        paths: [DialectID: OperationPaths] = [:],
        requestFields: [DialectID: RequestFields] = [:],
        quirks: Set<Quirk> = [],
        settings: [ProviderSetting] = [],
        forms: [ProviderForm] = [],
        modelDialects: [ModelDialects] = [],
        stateFamilies: [StateFamily] = [],
        embeddingForms: [EmbeddingForm] = [],
        environmentPrefix: String? = nil,
        hostVariable: String? = nil,
        otherKeyVariables: [String] = [],
        otherBaseURLVariables: [String] = [],
        requiresKey: Bool = false,
        modelPrefixes: [String] = [],
        isMock: Bool = false,
        jobs: JobKind? = nil,
        billing: Billing = .own,
        limits: DefaultLimits? = nil
    ) {
        self.type = type
        self.dialects = dialects
        self.baseURL = baseURL
        self.auth = auth
        self.authByDialect = authByDialect
        self.identity = identity
        self.headers = headers
        self.paths = paths
        self.requestFields = requestFields
        self.quirks = quirks
        self.settings = settings
        self.forms = forms
        self.modelDialects = modelDialects
        self.stateFamilies = stateFamilies
        self.embeddingForms = embeddingForms
        self.environmentPrefix = environmentPrefix
        self.hostVariable = hostVariable
        self.otherKeyVariables = otherKeyVariables
        self.otherBaseURLVariables = otherBaseURLVariables
        self.requiresKey = requiresKey
        self.modelPrefixes = modelPrefixes
        self.isMock = isMock
        self.jobs = jobs
        self.billing = billing
        self.limits = limits
    }

    /// The environment variables that hold its key; the first that is set counts.
    public var keyVariables: [String] {
        (self.environmentPrefix.map { ["\($0)_API_KEY"] } ?? []) + self.otherKeyVariables
    }

    /// The environment variables that hold its base URL; the first that is set counts.
    public var baseURLVariables: [String] {
        (self.environmentPrefix.map { ["\($0)_BASE_URL"] } ?? []) + self.otherBaseURLVariables
    }

    /// What it can be asked for, in any of its dialects.
    public var operations: [NeedletailCore.Operation] {
        NeedletailCore.Operation.allCases.filter { operation in
            self.dialects.contains { (self.paths[$0] ?? $0.paths).paths[operation] != nil }
        }
    }

    /// The dialect to ask in: the client's own if the model speaks it, else its first.
    func dialect(for client: DialectID?, model: String) -> DialectID {
        let dialects = self.modelDialects.first { model.hasPrefix($0.prefix) }?.dialects ?? self.dialects
        if let client, dialects.contains(client) { return client }
        return dialects.first ?? .openAIChat
    }
}
