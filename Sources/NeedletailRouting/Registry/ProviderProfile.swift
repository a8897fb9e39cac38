public import NeedletailCore

/// What is known of a provider without asking it for an answer.
public struct ProviderProfile: Sendable {
    /// The models that it serves, as far as they are known; empty for unknown.
    public var models: [String]
    /// Whether a model can do something.
    public var ability: @Sendable (_ model: String, _ capability: Capability) -> Capability.Ability
    /// What is known of a model's price.
    public var price: @Sendable (_ model: String) -> PricedModel
    /// Tells beforehand why a request, asked of a model, need not be sent; `nil` from it if it may.
    public var judge: @Sendable (_ request: InferenceRequest, _ model: String) -> NeedletailError?
    /// Asks whether it is there, and for its models; `nil` from it if it is there and has no list. Where it is `nil`
    /// nobody can be asked.
    public var check: (@Sendable (_ deadline: Instant) async throws(NeedletailError) -> [ListedModel]?)?

    /// Creates a profile; what is left out is unknown.
    public init(
        models: [String] = [],
        ability: @escaping @Sendable (_ model: String, _ capability: Capability) -> Capability.Ability = { _, _ in
            .unknown
        },
        price: @escaping @Sendable (_ model: String) -> PricedModel = { _ in PricedModel(price: nil) },
        judge: @escaping @Sendable (_ request: InferenceRequest, _ model: String) -> NeedletailError? = { _, _ in nil },
        check: (@Sendable (_ deadline: Instant) async throws(NeedletailError) -> [ListedModel]?)? = nil
    ) {
        self.models = models
        self.ability = ability
        self.price = price
        self.judge = judge
        self.check = check
    }
}
