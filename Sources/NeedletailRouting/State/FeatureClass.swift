import NeedletailCore

/// What kind of request it is, for a balancer that learns: what the model must be able to do, and how long the input is.
struct FeatureClass: Sendable, Hashable {
    /// How many classes there are.
    static let count = 48

    /// From 0 up to and without ``count``.
    let index: Int

    init(_ question: RoutingQuestion) {
        let features = question.features
        var bits = 0
        if features.contains(.tools) { bits |= 1 }
        if !features.isDisjoint(with: [.images, .documents, .audio]) { bits |= 2 }
        if features.contains(.structuredOutput) { bits |= 4 }
        if features.contains(.reasoning) { bits |= 8 }
        let size = question.estimatedInputTokens < 1_000 ? 0 : question.estimatedInputTokens < 10_000 ? 1 : 2
        self.index = bits * 3 + size
    }

    /// The class of a name; `nil` if no class has it.
    init?(name: String) {
        guard let index = (0..<Self.count).first(where: { Self(index: $0).name == name }) else { return nil }
        self.index = index
    }

    init(index: Int) {
        self.index = index
    }

    /// For example `tools+reasoning/small`; sizes are small (below 1,000 tokens), medium (below 10,000) and large.
    var name: String {
        let bits = self.index / 3
        let words = ["tools", "media", "schema", "reasoning"].enumerated().filter { bits & (1 << $0.offset) != 0 }
        let features = words.isEmpty ? "plain" : words.map(\.element).joined(separator: "+")
        return features + "/" + ["small", "medium", "large"][self.index % 3]
    }
}
