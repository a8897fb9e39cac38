public import NeedletailCore

/// Sends each request to a tier of models by how complex it seems.
public struct TierRouter: Provider {
    /// How much a request asks of a model.
    public enum Tier: String, Sendable, Hashable, CaseIterable {
        case simple, medium, complex

        /// Who answers in its place if it has no targets: the next higher, or else the next lower.
        public var order: [Tier] {
            switch self {
            case .simple: [.simple, .medium, .complex]
            case .medium: [.medium, .complex, .simple]
            case .complex: [.complex, .medium, .simple]
            }
        }
    }

    /// Where one tier ends and the next begins.
    public struct Thresholds: Sendable, Hashable {
        /// The score from which a request is medium. Default 0.2.
        public var medium = 0.2
        /// The score from which a request is complex. Default 0.5.
        public var complex = 0.5

        /// The defaults.
        public init() {}

        /// The tier of a score.
        public func tier(of score: Double) -> Tier {
            score >= self.complex ? .complex : score >= self.medium ? .medium : .simple
        }
    }

    /// What was found out about a request, for people.
    public struct Explanation: Sendable, Hashable {
        /// What was looked at.
        public var facts: ComplexityScore.Facts
        /// What follows.
        public var score: ComplexityScore
        /// The tier of the score.
        public var tier: Tier
        /// The tier that answers, if that has no targets.
        public var answering: Tier
    }

    /// The group's name.
    public let id: ProviderID
    private let simple: any Provider
    private let medium: any Provider
    private let complex: any Provider
    private let tiers: [Tier: Tier]
    private let thresholds: Thresholds
    private let weights: ComplexityScore.Weights

    /// Creates a router.
    ///
    /// - Parameters:
    ///   - tiers: Who answers for each tier. In the place of one that is missing the next higher answers, or else the
    ///     next lower: rather too good than too weak.
    /// - Returns: `nil` if there is no tier at all.
    public init?(
        id: ProviderID,
        tiers: [Tier: any Provider],
        thresholds: Thresholds = Thresholds(),
        weights: ComplexityScore.Weights = ComplexityScore.Weights()
    ) {
        func place(_ wanted: Tier) -> (tier: Tier, provider: any Provider)? {
            for tier in wanted.order {
                if let provider = tiers[tier] { return (tier, provider) }
            }
            return nil
        }
        guard let simple = place(.simple), let medium = place(.medium), let complex = place(.complex)
        else { return nil }
        self.id = id
        (self.simple, self.medium, self.complex) = (simple.provider, medium.provider, complex.provider)
        self.tiers = [.simple: simple.tier, .medium: medium.tier, .complex: complex.tier]
        self.thresholds = thresholds
        self.weights = weights
    }

    /// Closes whoever answers for a tier; see ``Provider/close()``.
    public func close() async {
        for provider in [self.simple, self.medium, self.complex] { await provider.close() }
    }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let score = ComplexityScore(ComplexityScore.Facts(request), weights: self.weights)
        return try await self.provider(self.thresholds.tier(of: score.value)).respond(to: request, context: context)
    }

    /// Who answers for a tier.
    func provider(_ tier: Tier) -> any Provider {
        switch tier {
        case .simple: self.simple
        case .medium: self.medium
        case .complex: self.complex
        }
    }

    /// What becomes of a request, and why. Asks nobody.
    public func explain(_ request: InferenceRequest) -> Explanation {
        let facts = ComplexityScore.Facts(request)
        let score = ComplexityScore(facts, weights: self.weights)
        let tier = self.thresholds.tier(of: score.value)
        return Explanation(facts: facts, score: score, tier: tier, answering: self.tiers[tier] ?? tier)
    }
}
