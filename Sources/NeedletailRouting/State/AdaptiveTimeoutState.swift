import NeedletailCore

/// How long a stream may take to its first event, by what it took of late. Pure.
///
/// The limit is a multiple of the 99th percentile of the last 100. A wait that was given up counts as long as it was
/// waited for: a limit that is too short is felt in the percentile at once, and so grows by its factor until it fits or
/// reaches its bound.
public struct AdaptiveTimeoutState: Sendable, Hashable {
    /// The bounds of a limit.
    public struct Bounds: Sendable, Hashable {
        /// What the percentile is multiplied by; at least 1. Default 3.
        public var factor: Double
        /// The shortest limit. Default 1 s.
        public var floor: Duration
        /// The longest limit.
        public var ceiling: Duration

        /// Creates bounds.
        public init(factor: Double = 3, floor: Duration = .seconds(1), ceiling: Duration) {
            self.factor = max(1, factor)
            self.floor = floor
            self.ceiling = ceiling
        }
    }

    /// How many streams must have been seen before there is a limit: fewer have no 99th percentile to speak of.
    public static let minimumSamples = 20

    private var window = LatencyWindow()
    private var percentile: Duration?

    /// Creates a state of which nothing is known.
    public init() {}

    /// Takes in how long a stream took to its first event, or was waited for in vain.
    public mutating func insert(_ wait: Duration) {
        self.window.insert(wait)
        self.percentile = self.window.percentile(0.99)
    }

    /// The limit now; `nil` while too little is known.
    public func limit(_ bounds: Bounds) -> Duration? {
        guard self.window.count >= Self.minimumSamples, let percentile = self.percentile else { return nil }
        return min(bounds.ceiling, max(bounds.floor, percentile * bounds.factor))
    }
}
