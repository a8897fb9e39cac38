/// How a ``Balancer`` rates one candidate, and why: what `explain` shows.
public struct TargetScore: Sendable, Hashable {
    /// One thing that went into the number.
    public struct Part: Sendable, Hashable {
        /// What it is, for example `latency_ms`.
        public var name: String
        /// Its value, in the unit that the name ends in, else a plain number.
        public var value: Double

        /// Creates a part.
        public init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }

    /// The target's index.
    public var index: Int
    /// The rating; higher is better.
    public var score: Double
    /// How likely the target is chosen now, 0 to 1; `nil` where that cannot be told.
    public var share: Double?
    /// What went into it.
    public var parts: [Part]
    /// Why the target is left out although it may be asked; `nil` for one that is not.
    public var leftOut: String?

    /// Creates a score.
    public init(
        _ index: Int, score: Double, share: Double? = nil, parts: [Part] = [], leftOut: String? = nil
    ) {
        self.index = index
        self.score = score
        self.share = share
        self.parts = parts
        self.leftOut = leftOut
    }
}
