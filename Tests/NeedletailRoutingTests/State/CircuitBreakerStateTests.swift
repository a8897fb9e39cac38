import NeedletailCore
import Testing

@testable import NeedletailRouting

private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

@Suite("CircuitBreakerState")
struct CircuitBreakerStateTests {
    private let policy = CircuitBreakerPolicy(
        failureThreshold: 3, successThreshold: 2, recoveryTimeout: .seconds(10), halfOpenLimit: 1, errorRate: 0.5,
        window: .seconds(60), minimumRequests: 10)

    private func ticket(_ state: inout CircuitBreakerState, _ now: Instant) throws -> CircuitBreakerState.Ticket {
        guard case .allowed(let ticket) = state.admit(now: now) else {
            throw NeedletailError(.unavailable, "refused at \(now)")
        }
        return ticket
    }

    private func call(_ state: inout CircuitBreakerState, _ verdict: AttemptResult.Verdict, _ now: Instant) throws {
        state.record(verdict, of: try self.ticket(&state, now), now: now, unit: 0)
    }

    /// A breaker that has opened at the time 0.
    private func opened(_ policy: CircuitBreakerPolicy? = nil) throws -> CircuitBreakerState {
        var state = CircuitBreakerState(policy ?? self.policy)
        for _ in 0..<(policy ?? self.policy).failureThreshold { try self.call(&state, .failure, at(0)) }
        return state
    }

    @Test("opens at exactly so many failures in a row", arguments: 1...5)
    func consecutive(threshold: Int) throws {
        var policy = self.policy
        policy.failureThreshold = threshold
        var state = CircuitBreakerState(policy)
        for _ in 1..<threshold { try self.call(&state, .failure, at(0)) }
        #expect(state.phase == .closed)
        try self.call(&state, .failure, at(0))
        #expect(state.phase == .open)
        #expect(state.admit(now: at(9.9)) == .refused(until: at(10)))
    }

    @Test("a success begins the row anew; what blames nobody does not count")
    func neutral() throws {
        var state = CircuitBreakerState(self.policy)
        for verdict in [AttemptResult.Verdict.failure, .failure, .success, .failure, .neutral, .failure, .neutral] {
            try self.call(&state, verdict, at(0))
        }
        #expect(state.phase == .closed)
        #expect(state.consecutiveFailures == 2)
    }

    @Test("opens by the share of failures, not before enough calls, and not by those that are too old")
    func errorRate() throws {
        var policy = self.policy
        policy.failureThreshold = 100
        var state = CircuitBreakerState(policy)
        for index in 0..<9 { try self.call(&state, index.isMultiple(of: 2) ? .failure : .success, at(0)) }
        #expect(state.phase == .closed)
        // All of the first are too old; alone these are too few.
        for index in 0..<9 { try self.call(&state, index.isMultiple(of: 2) ? .failure : .success, at(100)) }
        #expect(state.phase == .closed)
        try self.call(&state, .failure, at(101))
        #expect(state.phase == .open)
    }

    @Test("half open it admits so many probes at a time and not one more", arguments: 1...4)
    func probes(limit: Int) throws {
        var policy = self.policy
        policy.halfOpenLimit = limit
        var state = try self.opened(policy)
        var tickets: [CircuitBreakerState.Ticket] = []
        for _ in 0..<limit { tickets.append(try self.ticket(&state, at(10))) }
        #expect(tickets.filter(\.isProbe).count == limit)
        #expect(state.admit(now: at(10)) == .refused(until: nil))
        state.record(.neutral, of: tickets[0], now: at(11), unit: 0)
        _ = try self.ticket(&state, at(11))
        #expect(state.admit(now: at(11)) == .refused(until: nil))
    }

    @Test("closes after so many successes of probes", arguments: 1...4)
    func successes(threshold: Int) throws {
        var policy = self.policy
        policy.successThreshold = threshold
        var state = try self.opened(policy)
        for _ in 1..<threshold { try self.call(&state, .success, at(10)) }
        if threshold > 1 { #expect(state.phase == .halfOpen) }
        try self.call(&state, .success, at(10))
        #expect(state.phase == .closed)
    }

    @Test("each failed probe doubles the time open, up to the most, and closing begins anew")
    func growth() throws {
        var state = try self.opened()
        var now = at(0)
        for growth in [1, 2, 4, 8, 8, 8] {
            let wait = Duration.seconds(10 * growth)
            #expect(state.refusal(now: now).until == now.advanced(by: wait))
            now = now.advanced(by: wait)
            try self.call(&state, .failure, now)
        }
        now = now.advanced(by: .seconds(80))
        for _ in 0..<2 { try self.call(&state, .success, now) }
        for _ in 0..<3 { try self.call(&state, .failure, now) }
        #expect(state.refusal(now: now).until == now.advanced(by: .seconds(10)))
    }

    @Test("the time open has jitter, never below what is configured and at most a tenth above")
    func jitter() {
        for step in 0..<100 {
            let recovery = self.policy.recovery(opening: 1, unit: Double(step) / 100)
            #expect(recovery >= .seconds(10) && recovery <= .seconds(11))
        }
        #expect(self.policy.recovery(opening: 1, unit: 0.5) > .seconds(10))
    }

    @Test("what was sent before it opened judges no probe")
    func stale() throws {
        var state = CircuitBreakerState(self.policy)
        let old = try self.ticket(&state, at(0))
        for _ in 0..<3 { try self.call(&state, .failure, at(0)) }
        state.record(.success, of: old, now: at(1), unit: 0)
        #expect(state.phase == .open)
        let probe = try self.ticket(&state, at(10))
        state.record(.failure, of: old, now: at(10), unit: 0)
        #expect(state.phase == .halfOpen)
        #expect(state.probes == 1)
        state.record(.neutral, of: probe, now: at(10), unit: 0)
        #expect(state.probes == 0)
    }

    @Test("an operator opens, closes, trips and resets it")
    func orders() throws {
        var state = CircuitBreakerState(self.policy)
        state.force(.open)
        #expect(state.admit(now: at(0)) == .refused(until: nil))
        state.force(.closed)
        for _ in 0..<9 { try self.call(&state, .failure, at(0)) }
        #expect(state.snapshot(now: at(0)).word == "forced_closed")
        state.force(nil)
        state.reset()
        #expect(state.snapshot(now: at(0)).word == "closed")
        state.trip(now: at(0), unit: 0)
        #expect(state.admit(now: at(5)) == .refused(until: at(10)))
        #expect(state.snapshot(now: at(10)).word == "half_open")
        state.reset()
        try self.call(&state, .success, at(5))
    }

    @Test("one that is switched off never opens by itself")
    func off() throws {
        var state = CircuitBreakerState(nil)
        for _ in 0..<100 { try self.call(&state, .failure, at(0)) }
        state.adopt(self.policy)
        state.adopt(nil)
        for _ in 0..<100 { try self.call(&state, .failure, at(0)) }
        #expect(state.phase == .closed)
    }

    @Test(
        "in any order of calls: an open one admits nothing, probes stay within the limit and none leaks",
        arguments: 0..<40)
    func property(seed: UInt64) throws {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let policy = CircuitBreakerPolicy(
            failureThreshold: 1 + draw(5), successThreshold: 1 + draw(4), recoveryTimeout: .seconds(1 + draw(10)),
            halfOpenLimit: 1 + draw(4), errorRate: draw(2) == 0 ? nil : 0.5, window: .seconds(10), minimumRequests: 5)
        var state = CircuitBreakerState(policy)
        var now = at(0)
        var running: [CircuitBreakerState.Ticket] = []
        for _ in 0..<500 {
            now = now.advanced(by: .milliseconds(draw(1_000)))
            if draw(2) == 0 {
                let isOpen = state.phase == .open && state.refusal(now: now).isRefused
                switch state.admit(now: now) {
                case .allowed(let ticket):
                    #expect(!isOpen, "seed \(seed)")
                    running.append(ticket)
                case .refused: #expect(state.phase != .closed, "seed \(seed)")
                }
            } else if !running.isEmpty {
                let ticket = running.remove(at: draw(running.count))
                let verdict: AttemptResult.Verdict = [.success, .failure, .neutral][draw(3)]
                state.record(verdict, of: ticket, now: now, unit: random.unit())
            }
            #expect(state.probes >= 0 && state.probes <= policy.halfOpenLimit, "seed \(seed)")
        }
        for ticket in running { state.record(.neutral, of: ticket, now: now, unit: 0) }
        #expect(state.probes == 0, "seed \(seed)")
    }
}
