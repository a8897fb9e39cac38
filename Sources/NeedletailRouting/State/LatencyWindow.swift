import NeedletailCore

/// The last 100 latencies.
public struct LatencyWindow: Sendable, Hashable {
    /// How many are kept.
    public static let capacity = 100

    private var samples: [Int64] = []
    private var next = 0
    private var sum: Int64 = 0

    /// Creates an empty window.
    public init() {}

    /// How many it holds.
    public var count: Int { self.samples.count }

    /// Takes in a latency; the oldest goes. One above a day counts as a day, so that the sum fits.
    public mutating func insert(_ latency: Duration) {
        let sample = min(max(0, latency.wholeNanoseconds), 86_400_000_000_000)
        self.sum += sample
        if self.samples.count < Self.capacity {
            if self.samples.isEmpty { self.samples.reserveCapacity(Self.capacity) }
            self.samples.append(sample)
        } else {
            self.sum -= self.samples[self.next]
            self.samples[self.next] = sample
        }
        self.next = (self.next + 1) % Self.capacity
    }

    /// The mean; `nil` while there is none.
    public var mean: Duration? {
        self.samples.isEmpty ? nil : .nanoseconds(self.sum / Int64(self.samples.count))
    }

    /// The latency that a share of the samples does not exceed (nearest rank); `nil` while there is none. Sorts, so it
    /// is not for every request.
    ///
    /// - Parameter share: From 0 to 1; 0.95 for the 95th percentile.
    public func percentile(_ share: Double) -> Duration? {
        guard !self.samples.isEmpty else { return nil }
        let rank = Int((min(max(share, 0), 1) * Double(self.samples.count)).rounded(.up))
        return .nanoseconds(self.samples.sorted()[max(0, rank - 1)])
    }
}
