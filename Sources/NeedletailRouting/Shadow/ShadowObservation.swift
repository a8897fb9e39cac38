public import NeedletailCore

/// How one of two requests that are compared went: no content.
public struct ShadowObservation: Sendable, Hashable {
    /// The provider that answered or failed; `nil` if none was asked.
    public var provider: ProviderID?
    /// The model that was asked, in the provider's words; empty if none was.
    public var model: String
    /// The status that a client sees; 200 for a stream that began.
    public var status: Int
    /// The name of the error, before the reply or within it.
    public var error: String?
    /// From the request to the whole reply or a stream's first event.
    public var latency: Duration
    /// What the reply is made of; `nil` for none, or one that could not be read.
    public var outline: ReplyOutline?
    /// The tokens spent, where known.
    public var outputTokens: Int?

    /// Creates an observation.
    public init(
        provider: ProviderID? = nil,
        model: String = "",
        status: Int,
        error: String? = nil,
        latency: Duration,
        outline: ReplyOutline? = nil,
        outputTokens: Int? = nil
    ) {
        self.provider = provider
        self.model = model
        self.status = status
        self.error = error
        self.latency = latency
        self.outline = outline
        self.outputTokens = outputTokens
    }
}

/// A request and its copy, compared.
public struct ShadowComparison: Sendable, Hashable {
    /// What differs.
    public enum Difference: String, Sendable, Hashable, CaseIterable {
        /// One failed, or they failed differently.
        case status
        /// The copy took more than twice as long, or less than half.
        case latency
        /// The copy's text is more than twice as long, or less than half.
        case length
        /// Other tools are called, or in another order.
        case toolCalls = "tool_calls"
    }

    /// The id of the request that the client sees.
    public var requestID: String
    /// The model asked for.
    public var model: String
    /// What the client was answered from.
    public var primary: ShadowObservation
    /// What became of the copy.
    public var shadow: ShadowObservation

    /// Creates a comparison.
    public init(requestID: String, model: String, primary: ShadowObservation, shadow: ShadowObservation) {
        self.requestID = requestID
        self.model = model
        self.primary = primary
        self.shadow = shadow
    }

    /// What differs. Lengths below 64 bytes are one length.
    public var differences: Set<Difference> {
        var found: Set<Difference> = []
        if self.primary.status != self.shadow.status || self.primary.error != self.shadow.error {
            found.insert(.status)
        }
        let latencies = (self.primary.latency.wholeNanoseconds, self.shadow.latency.wholeNanoseconds)
        if Self.isFar(latencies.0, latencies.1) { found.insert(.latency) }
        if let primary = self.primary.outline, let shadow = self.shadow.outline {
            if Self.isFar(Int64(max(64, primary.textLength)), Int64(max(64, shadow.textLength))) {
                found.insert(.length)
            }
            if primary.toolCalls != shadow.toolCalls { found.insert(.toolCalls) }
        }
        return found
    }

    private static func isFar(_ one: Int64, _ other: Int64) -> Bool {
        Double(max(one, other)) > 2 * Double(min(one, other))
    }
}
