public import NeedletailCore
public import NeedletailProviders
public import NeedletailRouting

/// One provider as configured.
public struct ProviderConfiguration: Sendable {
    /// The name.
    public var name: String
    /// The type's name, one of ``ProviderTypes``.
    public var type: String
    /// Whether it may be asked.
    public var isEnabled = true
    /// The upstream; `nil` for the type's default.
    public var baseURL: HTTPURL?
    /// What the type needs beside base URL and key; its own defaults are not in here.
    public var settings: [String: Secret] = [:]
    /// The keys; empty for none.
    public var apiKeys: [WeightedSecret] = []
    /// The upstream's dialect; `nil` for the client's own where the provider speaks it, else the type's first.
    public var api: DialectID?
    /// The limits for waiting.
    public var timeouts = Timeouts()
    /// Between what the wait for a stream's first event is learnt; `nil` for not at all.
    public var adaptiveTimeout: AdaptiveTimeoutState.Bounds?
    /// Repeating.
    public var retry = RetryConfiguration()
    /// The breaker; `nil` when it is off.
    public var circuitBreaker: CircuitBreakerConfiguration? = CircuitBreakerConfiguration()
    /// The limits.
    public var limits = LimitConfiguration()
    /// The limits of single models.
    public var modelLimits: [String: LimitConfiguration] = [:]
    /// The probe; `nil` when it is off.
    public var healthCheck: HealthCheckConfiguration? = HealthCheckConfiguration()
    /// Lower goes first. Default 1.
    public var priority = 1
    /// Its share. Default 1.
    public var weight = 1.0
    /// Headers added to every request. Values may be credentials.
    public var headers: [(name: String, value: Secret)] = []
    /// A PEM file with the only authorities to trust; `nil` for the system's.
    public var caFile: String?
    /// The proxy; `nil` for what `HTTPS_PROXY` and `NO_PROXY` say.
    public var proxy: HTTPURL?
    /// The models it serves; empty for what its models list says.
    public var models: [String] = []
    /// Whether the upstream takes images and documents only inside the request (base64): a URL is then refused, or fetched
    /// where ``allowsImageFetch`` says so. Default false.
    public var takesOnlyInlineMedia = false
    /// Whether the gateway may fetch the URLs of a request for an upstream that takes only base64. Default false.
    public var allowsImageFetch = false
    /// The field that takes the output limit; `nil` for the type's default.
    public var maxTokensField: String?
    /// Whether it understands `stream_options.include_usage`; `nil` for the type's default.
    public var supportsStreamUsage: Bool?
    /// Whether it takes reasoning back as `reasoning_details` in chat completions; `nil` for the type's default.
    public var takesReasoningDetails: Bool?
    /// What the operator says of its models, in the order of the file.
    public var capabilities: [ModelCapabilities.Statement] = []
    /// What the operator has off the listed prices, in millionths. Default 0.
    public var discount: Int64 = 0
    /// The mock's settings.
    public var mock = MockConfiguration()
    /// A script that is played to some of the requests of a provider that is no mock; `nil` for none.
    public var faults: MockConfiguration?
    /// Whether calls that were sent end by themselves when their client leaves, so that their cost is known.
    public var drainsOnDisconnect = false
    /// Where it stands; `nil` when it came from the environment.
    public var position: SourcePosition?

    init(name: String, type: String) {
        self.name = name
        self.type = type
    }
}

/// A key and its share of the requests.
public struct WeightedSecret: Sendable, Equatable {
    /// The key.
    public var secret: Secret
    /// Its share.
    public var weight: Double
}

/// How a provider is asked again.
public struct RetryConfiguration: Sendable, Hashable {
    /// The calls of one request to this provider, the first included. Default 3.
    public var maxAttempts = 3
    /// The pause before the second call. Default 1 s.
    public var baseDelay: Duration = .seconds(1)
    /// What the pause is multiplied with each time. Default 2.
    public var backoffFactor = 2.0
    /// The longest pause. Default 30 s.
    public var maxDelay: Duration = .seconds(30)
    /// Whether pauses are drawn at random below these. Default true.
    public var jitter = true

    /// The defaults.
    public init() {}
}

/// When a provider is left alone.
public struct CircuitBreakerConfiguration: Sendable, Hashable {
    /// The failures that open it. Default 5.
    public var failureThreshold = 5
    /// The successes that close it again. Default 2.
    public var successThreshold = 2
    /// How long it stays open. Default 60 s.
    public var recoveryTimeout: Duration = .seconds(60)
    /// How many may try at a time while it is half open. Default 3.
    public var halfOpenLimit = 3
    /// The share of failures within the window that opens it; 0 for never. Default 0.5.
    public var errorRate = 0.5
    /// How far back the share looks. Default 60 s.
    public var window: Duration = .seconds(60)
    /// The calls within the window without which the share means nothing. Default 20.
    public var minimumRequests = 20

    /// The defaults.
    public init() {}
}

/// Limits of a provider or key; `nil` for none.
public struct LimitConfiguration: Sendable, Hashable {
    /// Requests at a time.
    public var concurrency: Int?
    /// Requests a minute.
    public var rpm: Int?
    /// Requests an hour.
    public var rph: Int?
    /// Tokens a minute.
    public var tpm: Int?
    /// The most requests at once, of those that the rate allows.
    public var burst: Int?
    /// Whether limits follow what the provider answers.
    public var adaptive = false
    /// Dollars a day.
    public var dailyBudget: Money?
    /// Dollars a request.
    public var costPerRequest: Money?

    /// No limits.
    public init() {}
}

/// How often a provider is looked after.
public struct HealthCheckConfiguration: Sendable, Hashable {
    /// The time between two probes. Default 30 s.
    public var interval: Duration = .seconds(30)
    /// How long a probe may take. Default 5 s.
    public var timeout: Duration = .seconds(5)

    /// The defaults.
    public init() {}
}

/// The settings of a provider that answers by itself.
public struct MockConfiguration: Sendable, Hashable {
    /// The script's file.
    public var scriptFile: String?
    /// The time before an answer; `nil` for the default of 100 to 200 ms.
    public var delay: Duration?
    /// The seed.
    public var seed: Int?

    /// The defaults.
    public init() {}
}
