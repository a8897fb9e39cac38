import NeedletailCore

/// The traffic of the last hour in steps of ten seconds. Pure, and of one size whatever the traffic.
struct TrafficSeriesState {
    /// One step.
    struct Slot: Sendable {
        /// Which ten seconds since the clock's epoch; `nil` while nothing has been counted.
        var number: Int64?
        var requests = 0
        /// Of these: the gateway's or the providers' failures (a status of 500 or more, or a stream that broke).
        var failures = 0
        /// Of these: what the client is to blame for (400 to 498).
        var refusals = 0
        /// Of these: left by their clients.
        var abandoned = 0
        var cacheHits = 0
        var attempts = 0
        var inputTokens = 0
        var outputTokens = 0
        var picoDollars: Int64 = 0
        var latency = LatencyCounts()
        var firstToken = LatencyCounts()

        fileprivate mutating func clear(for number: Int64) {
            var latency = self.latency
            var firstToken = self.firstToken
            latency.clear()
            firstToken.clear()
            self = Slot()
            self.number = number
            self.latency = latency
            self.firstToken = firstToken
        }

        mutating func add(_ other: Slot) {
            self.requests += other.requests
            self.failures += other.failures
            self.refusals += other.refusals
            self.abandoned += other.abandoned
            self.cacheHits += other.cacheHits
            self.attempts += other.attempts
            self.inputTokens += other.inputTokens
            self.outputTokens += other.outputTokens
            self.picoDollars += other.picoDollars
            self.latency.add(other.latency)
            self.firstToken.add(other.firstToken)
        }
    }

    /// The length of a step in seconds.
    static let step: Int64 = 10
    /// How many steps are kept: an hour.
    static let count = 360

    private var slots = Array(repeating: Slot(), count: Self.count)

    private static func number(_ now: Instant) -> Int64 { now.nanoseconds / (Self.step * 1_000_000_000) }

    /// Changes the step of now.
    mutating func change(now: Instant, _ body: (inout Slot) -> Void) {
        let number = Self.number(now)
        let place = Int(number % Int64(Self.count))
        if self.slots[place].number != number { self.slots[place].clear(for: number) }
        body(&self.slots[place])
    }

    /// The last steps, oldest first, the one of now last; empty ones for the time when nothing came.
    func last(_ count: Int, now: Instant) -> [Slot] {
        let newest = Self.number(now)
        return (0..<min(count, Self.count)).reversed().map { age in
            let number = newest - Int64(age)
            guard number >= 0 else { return Slot() }
            let slot = self.slots[Int(number % Int64(Self.count))]
            return slot.number == number ? slot : Slot()
        }
    }
}
