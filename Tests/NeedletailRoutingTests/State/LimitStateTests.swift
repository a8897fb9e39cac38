import NeedletailCore
import Testing

@testable import NeedletailRouting

/// Begins a request; what stands in its way.
private func refusal(
    _ state: inout LimitState, _ tokens: Int, _ now: Instant
) -> (reason: Refusal.Reason, until: Instant?)? {
    state.reserve(tokens: tokens, now: now)
}

/// Begins a request, which must succeed or not.
private func begin(
    _ state: inout LimitState, _ tokens: Int, _ now: Instant, succeeds: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let refusal = state.reserve(tokens: tokens, now: now)
    #expect((refusal == nil) == succeeds, sourceLocation: sourceLocation)
}

@Suite("LimitState")
struct LimitStateTests {
    private let start = Instant(nanoseconds: 0)
    private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    @Test("takes from all buckets or from none, whichever refuses", arguments: 0..<30)
    func allOrNothing(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func maybe(_ count: Int) -> Int? { draw(3) == 0 ? nil : 1 + draw(count) }
        let policy = LimitPolicy(
            concurrency: maybe(5), requestsPerMinute: maybe(30), requestsPerHour: maybe(60),
            tokensPerMinute: maybe(500), burst: maybe(10))
        var state = LimitState(policy, now: self.start)
        var now = self.start
        var running: [Int] = []
        for _ in 0..<300 {
            now = now.advanced(by: .milliseconds(draw(2_000)))
            let before = state.headroom(now: now)
            if draw(2) == 0 {
                let count = state.estimate(input: draw(200), output: draw(2) == 0 ? nil : draw(200))
                let expected = state.refusal(tokens: count, now: now)
                let refusal = state.reserve(tokens: count, now: now)
                #expect(refusal?.reason == expected?.reason && refusal?.until == expected?.until, "seed \(seed)")
                let after = state.headroom(now: now)
                if refusal == nil {
                    running.append(count)
                    #expect(after.running == before.running + 1, "seed \(seed)")
                    #expect(after.requests?.remaining == before.requests.map { $0.remaining - 1 }, "seed \(seed)")
                    #expect(after.tokens?.remaining == before.tokens.map { $0.remaining - count }, "seed \(seed)")
                } else {
                    #expect(after == before, "a refused request consumes nothing; seed \(seed)")
                }
            } else if let count = running.popLast() {
                state.end(tokens: count, used: draw(3) == 0 ? nil : draw(300), now: now)
            }
            #expect(state.running <= policy.concurrency ?? .max, "seed \(seed)")
        }
        for count in running { state.end(tokens: count, used: 0, now: now) }
        #expect(state.running == 0, "seed \(seed)")
    }

    @Test("undone, it is as if nothing had been")
    func undone() {
        var state = LimitState(
            LimitPolicy(concurrency: 2, requestsPerMinute: 5, requestsPerHour: 9, tokensPerMinute: 100), now: self.start
        )
        begin(&state, 30, self.start)
        let before = state.headroom(now: self.at(1))
        begin(&state, 40, self.at(1))
        state.undo(tokens: 40, now: self.at(1))
        #expect(state.headroom(now: self.at(1)) == before)
    }

    @Test("the time to come again is that of the limit that ends last, and it is true")
    func until() throws {
        var state = LimitState(LimitPolicy(requestsPerMinute: 60, requestsPerHour: 60, burst: 60), now: self.start)
        for _ in 0..<60 { begin(&state, 0, self.start) }
        let refusal = try #require(state.refusal(tokens: 0, now: self.start))
        #expect(refusal.reason == .requestsPerHour)
        #expect(refusal.until == self.at(60))
        begin(&state, 0, self.at(59), succeeds: false)
        begin(&state, 0, self.at(60))
    }

    @Test("burst is what the minute's bucket holds")
    func burst() {
        var state = LimitState(LimitPolicy(requestsPerMinute: 60, burst: 3), now: self.start)
        for _ in 0..<3 { begin(&state, 0, self.start) }
        let until = refusal(&state, 0, self.start)?.until
        #expect(until == self.at(1))
    }

    @Test("a request that alone is more than the minute holds is refused for good")
    func tooLarge() {
        var state = LimitState(LimitPolicy(tokensPerMinute: 100), now: self.start)
        let count = state.estimate(input: 101, output: nil)
        let reason = refusal(&state, count, self.start)?.reason
        #expect(reason == .tooManyTokens)
        // Its output alone is not: it may be far shorter.
        let long = state.estimate(input: 50, output: 4_000)
        begin(&state, long, self.start)
    }

    @Test("refusals halve adaptive rates, time brings them back, and never above what is configured")
    func adaptive() {
        var state = LimitState(LimitPolicy(requestsPerMinute: 100, isAdaptive: true), now: self.start)
        state.refused(now: self.start)
        state.refused(now: self.start)
        #expect(state.headroom(now: self.start).requests?.limit == 50)
        state.refused(now: self.at(2))
        #expect(state.headroom(now: self.at(2)).requests?.limit == 26)
        #expect(state.headroom(now: self.at(200)).requests?.limit == 100)
        for second in 200..<300 { state.refused(now: self.at(second)) }
        #expect((state.headroom(now: self.at(300)).requests?.limit ?? 0) >= 1)
    }

    @Test("what the provider says counts where it is less than configured, and only for adaptive limits")
    func observed() {
        var state = LimitState(LimitPolicy(requestsPerMinute: 100, isAdaptive: true), now: self.start)
        state.observe(ObservedLimits(requestsPerMinute: 40, tokensPerMinute: 1_000), now: self.start)
        #expect(state.headroom(now: self.start).requests?.limit == 40)
        #expect(state.headroom(now: self.start).tokens?.limit == 1_000)
        state.observe(ObservedLimits(requestsPerMinute: 900, usedUpUntil: self.at(5)), now: self.start)
        #expect(state.headroom(now: self.start).requests?.limit == 100)
        #expect(state.refusal(tokens: 0, now: self.at(4))?.until == self.at(5))
        #expect(state.refusal(tokens: 0, now: self.at(5)) == nil)
        var fixed = LimitState(LimitPolicy(requestsPerMinute: 100), now: self.start)
        fixed.observe(ObservedLimits(requestsPerMinute: 1, usedUpUntil: self.at(5)), now: self.start)
        #expect(fixed.headroom(now: self.start).requests?.remaining == 100)
    }
}
