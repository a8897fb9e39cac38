public import NeedletailRouting

/// What is kept from providers and clients.
public struct PrivacyConfiguration: Sendable {
    /// What is done with sensitive data; the first that holds for a request counts.
    public var redaction: [RedactionPolicy] = []
    /// What requests may not hold.
    public var deny: [DenyList] = []
    /// Who is asked about calls, in order.
    public var hooks: [HookConfiguration] = []
    /// How what was said is kept; `nil` for not at all.
    public var content: ContentConfiguration?

    /// Nothing at all.
    public init() {}
}

/// A webhook that judges calls.
public struct HookConfiguration: Sendable {
    /// The name.
    public var name: String
    /// Where it is.
    public var url: HTTPURL
    /// What its requests are signed with; `nil` leaves them unsigned.
    public var secret: Secret?
    /// Headers of every request.
    public var headers: [OTLPConfiguration.Header] = []
    /// About whose requests it is asked.
    public var scope = GuardScope()
    /// When it is asked. Default before.
    public var phases: Set<HookCall.Phase> = [.before]
    /// How long it may take. Default 5 s.
    public var timeout = Duration.seconds(5)
    /// Whether a call goes on when it cannot be asked. Default false.
    public var failsOpen = false
    /// The most bytes of texts that it is told. Default 1 MiB.
    public var maximumSize = 1 << 20
    /// Whether streams are held back until it has judged them. Default true.
    public var holdsStreams = true
}
