public import NeedletailCore

/// A member of a ``FailoverGroup``: a provider with one of its models, or a group.
public struct FailoverMember: Sendable {
    enum Kind: Sendable {
        case provider(any Provider, model: String?)
        indirect case group(FailoverGroup)
    }

    let kind: Kind
    /// Lower is asked first, where priorities count. Default: its place in the list.
    public var priority: Int?
    /// Its share, from 0. Default 1.
    public var weight: Double
    /// How often and how soon it is asked again for one request. Not looked at for a group.
    public var retry: RetryPolicy
    /// When it is no longer called; `nil` for never. Not looked at for a group.
    public var circuitBreaker: CircuitBreakerPolicy?
    /// How much of it may be used. Not looked at for a group.
    public var limits: LimitPolicy
    /// What a call costs; `nil` where nobody knows. Not looked at for a group.
    public var price: TargetPrice?
    /// Tells beforehand why it cannot answer a request; see ``Target/judge``. Not looked at for a group.
    public var judge: (@Sendable (_ request: InferenceRequest, _ model: String) -> NeedletailError?)?

    /// A provider.
    ///
    /// - Parameters:
    ///   - model: The model to ask for; `nil` passes the client's on.
    ///   - profile: What is known of the provider beforehand, which gives ``price`` and ``judge``; what it says of itself
    ///     by default (``DescribedProvider``).
    public static func provider(
        _ provider: any Provider,
        model: String? = nil,
        priority: Int? = nil,
        weight: Double = 1,
        retry: RetryPolicy = RetryPolicy(),
        circuitBreaker: CircuitBreakerPolicy? = CircuitBreakerPolicy(),
        limits: LimitPolicy = LimitPolicy(),
        profile: ProviderProfile? = nil
    ) -> Self {
        let profile = profile ?? (provider as? any DescribedProvider)?.profile
        return Self(
            kind: .provider(provider, model: model), priority: priority, weight: weight, retry: retry,
            circuitBreaker: circuitBreaker, limits: limits, price: profile.map { TargetPrice(model: $0.price) },
            judge: profile?.judge)
    }

    /// A group, whose members are asked in its place.
    public static func group(_ group: FailoverGroup, priority: Int? = nil, weight: Double = 1) -> Self {
        Self(
            kind: .group(group), priority: priority, weight: weight, retry: RetryPolicy(), circuitBreaker: nil,
            limits: LimitPolicy(), price: nil, judge: nil)
    }
}
