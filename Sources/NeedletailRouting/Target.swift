public import NeedletailCore

/// One place a request may go.
public final class Target: Sendable {
    /// Who answers.
    public let provider: any Provider
    /// The model to ask for; `nil` passes the client's on.
    public let model: String?
    /// The dialect to ask in; `nil` leaves the choice to the provider.
    public let dialect: DialectID?
    /// Lower is asked first.
    public let priority: Int
    /// The share, relative to the group's other targets. Default 1; 0 is asked only when nobody else may be.
    public let weight: Double
    /// How often and how soon this target is asked again for one request.
    public let retry: RetryPolicy
    /// What is known of the model at the provider, shared with other groups.
    public let deployment: Deployment
    /// What a call costs; `nil` where nobody knows.
    public let price: TargetPrice?
    /// Tells beforehand why the target cannot answer a request, asked for a model; `nil` from it, or where it is `nil`, if
    /// it may.
    public let judge: (@Sendable (_ request: InferenceRequest, _ model: String) -> NeedletailError?)?

    /// Creates a target.
    ///
    /// - Parameter deployment: What is known of the place; `nil` for a new one that no other target shares.
    public init(
        _ provider: any Provider,
        model: String? = nil,
        dialect: DialectID? = nil,
        priority: Int = 1,
        weight: Double = 1,
        retry: RetryPolicy = RetryPolicy(),
        deployment: Deployment? = nil,
        price: TargetPrice? = nil,
        judge: (@Sendable (_ request: InferenceRequest, _ model: String) -> NeedletailError?)? = nil
    ) {
        self.provider = provider
        self.model = model
        self.dialect = dialect
        self.priority = priority
        self.weight = weight.isFinite ? max(0, weight) : 1
        self.retry = retry
        self.deployment = deployment ?? Deployment(Deployment.Key(provider: provider.id, model: model))
        self.price = price
        self.judge = judge
    }

    /// What is known of the model at the provider.
    var statistics: DeploymentStatistics { self.deployment.statistics }
}

/// What a call to a target costs, before it is made.
public struct TargetPrice: Sendable {
    /// The price in pico-dollars (10⁻¹² US dollars) of so many tokens of a model; `nil` where it is not known. Called for
    /// every candidate of every request of a group that looks at prices.
    public let quote: @Sendable (_ model: String, _ inputTokens: Int, _ outputTokens: Int) -> Int64?
    /// All that is known of a model's price, for estimates with bounds; `nil` where only ``quote`` is known.
    public let model: (@Sendable (_ name: String) -> PricedModel)?

    /// Creates a price from its function.
    public init(_ quote: @escaping @Sendable (_ model: String, _ inputTokens: Int, _ outputTokens: Int) -> Int64?) {
        self.quote = quote
        self.model = nil
    }

    /// Creates a price from what is known of each model.
    public init(model: @escaping @Sendable (_ name: String) -> PricedModel) {
        self.quote = { name, input, output in
            model(name).price?.expected(inputTokens: input, outputTokens: output)
        }
        self.model = model
    }

    /// A price per token, in pico-dollars: $3 per million tokens are 3,000,000.
    public static func perToken(input: Int64, output: Int64) -> Self {
        Self { _, inputTokens, outputTokens in
            let (inputs, first) = input.multipliedReportingOverflow(by: Int64(inputTokens))
            let (outputs, second) = output.multipliedReportingOverflow(by: Int64(outputTokens))
            let (sum, third) = inputs.addingReportingOverflow(outputs)
            return first || second || third ? nil : sum
        }
    }
}
