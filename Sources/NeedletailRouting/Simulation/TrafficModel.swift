import Glibc

/// The requests that clients send for one model.
public struct TrafficModel: Sendable {
    /// How the rate changes.
    public enum Shape: Sendable, Hashable {
        /// It does not.
        case flat
        /// It swings about the mean by `depth` (0 to 1) once in `period`, as a day's traffic does; lowest at the start.
        case wave(period: Duration, depth: Double)
        /// It is `times` as high for `length` out of every `every`.
        case bursts(every: Duration, length: Duration, times: Double)
    }

    /// The model that is asked for.
    public var model: String
    /// Requests a second, on average over the shape's flat part.
    public var rate: Double
    /// Whether requests come at equal distances; otherwise they come independently of each other (Poisson).
    public var isRegular = false
    /// How the rate changes.
    public var shape = Shape.flat
    /// From when on, counted from the start.
    public var from = Duration.zero
    /// Until when; `nil` for the end of the simulation.
    public var until: Duration?
    /// The share of requests that are streamed, 0 to 1.
    public var streamed = 0.5
    /// Tokens of input, from and to.
    public var inputTokens = 200...2_000
    /// Tokens of output, from and to.
    public var outputTokens = 50...500
    /// The share of clients that leave before the end, 0 to 1.
    public var leaving = 0.0
    /// How long clients wait for the whole answer; `nil` for ever. They tell the gateway, as SDKs do.
    public var timeout: Duration?
    /// The name of the clients' key.
    public var key: String?

    /// Creates traffic.
    public init(model: String, rate: Double) {
        self.model = model
        self.rate = rate
    }

    /// The highest rate there is.
    var highestRate: Double {
        switch self.shape {
        case .flat: self.rate
        case .wave(_, let depth): self.rate * (1 + depth)
        case .bursts(_, _, let times): self.rate * max(1, times)
        }
    }

    /// The rate at a time since the start.
    func rate(at time: Duration) -> Double {
        switch self.shape {
        case .flat:
            return self.rate
        case .wave(let period, let depth):
            return self.rate * (1 - depth * cos(2 * Double.pi * (time / period)))
        case .bursts(let every, let length, let times):
            let cycles = time / every
            return (cycles - cycles.rounded(.down)) * (every / length) < 1 ? self.rate * times : self.rate
        }
    }

    /// The pause until a request may come; it comes if ``comes(at:_:)``. Thinning (Lewis, Shedler 1979).
    func pause(_ unit: Double) -> Duration {
        .seconds((self.isRegular ? 1 : -log(1 - unit)) / max(1e-9, self.highestRate))
    }

    /// Whether a request comes at a time that ``pause(_:)`` led to.
    func comes(at time: Duration, _ unit: Double) -> Bool {
        unit * self.highestRate < self.rate(at: time)
    }
}
