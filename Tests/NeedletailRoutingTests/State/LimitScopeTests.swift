import NIOCore
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("LimitScope")
struct LimitScopeTests {
    /// What the provider says in its next reply.
    private final class Said: Sendable {
        let limits = Mutex(ObservedLimits())
    }

    private static let reply = InferenceReply(
        provider: "p", model: "m", body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), nil))

    @Test("what it tells without its lock agrees with its state, whatever has happened", arguments: 0..<60)
    func sure(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func maybe(_ count: Int) -> Int? { draw(3) == 0 ? nil : 1 + draw(count) }
        func policy() -> LimitPolicy {
            LimitPolicy(
                concurrency: maybe(5), requestsPerMinute: maybe(30), requestsPerHour: maybe(60),
                tokensPerMinute: maybe(20_000), burst: maybe(10), isAdaptive: draw(2) == 0)
        }
        var now = Instant(nanoseconds: 0)
        var limits = policy()
        let said = Said()
        let scope = LimitScope("tested", limits, now: now) { _, _ in said.limits.withLock { $0 } }
        // The same by hand, every step of it.
        var state = LimitState(limits, now: now)
        var running: [(hold: LimitScope.Hold, tokens: Int)] = []
        for _ in 0..<400 {
            now = now.advanced(by: .milliseconds(draw(1_000)))
            let size = RequestSize(input: draw(3_000), output: draw(2) == 0 ? nil : draw(3_000))
            let count = state.estimate(input: size.input, output: size.output)
            let expected = state.refusal(tokens: count, now: now)
            let refusal = scope.refusal(size, now: now)
            #expect(refusal?.reason == expected?.reason && refusal?.until == expected?.until, "seed \(seed)")
            switch draw(10) {
            case 0..<5:
                guard !limits.isEmpty else { continue }
                let refused = state.reserve(tokens: count, now: now)
                switch scope.reserve(size, now: now) {
                case .success(let hold):
                    #expect(refused == nil && hold != nil, "seed \(seed)")
                    if let hold { running.append((hold, count)) }
                case .failure(let found): #expect(found.refusal.reason == refused?.reason, "seed \(seed)")
                }
            case 5, 6:
                guard let (hold, tokens) = running.popLast() else { continue }
                let used = maybe(5_000)
                hold.end(used: used, now: now)
                state.end(tokens: tokens, used: used, now: now)
                #expect(scope.fraction == state.fraction(now: now), "seed \(seed)")
            case 7:
                guard let (hold, tokens) = running.popLast() else { continue }
                hold.undo(now: now)
                state.undo(tokens: tokens, now: now)
            case 8:
                let observed = ObservedLimits(
                    requestsPerMinute: maybe(20), tokensPerMinute: maybe(9_000),
                    usedUpUntil: draw(2) == 0 ? nil : now.advanced(by: .seconds(draw(20))))
                said.limits.withLock { $0 = observed }
                scope.replied(Self.reply, now: now)
                state.observe(observed, now: now)
            default:
                if draw(2) == 0 {
                    scope.refused(now: now)
                    state.refused(now: now)
                } else {
                    limits = policy()
                    scope.adopt(limits, now: now)
                    state.adopt(limits, now: now)
                }
            }
        }
    }

    @Test("what is sure is never refused, now or later")
    func sureTokens() {
        var sure = 0
        for seed in UInt64(0)..<40 { sure += self.sureSteps(seed) }
        #expect(sure > 500, "too little was sure to show anything")
    }

    /// How often something was sure in a random course of events.
    private func sureSteps(_ seed: UInt64) -> Int {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func maybe(_ count: Int) -> Int? { draw(3) == 0 ? nil : 1 + draw(count) }
        var now = Instant(nanoseconds: 0)
        var state = LimitState(
            LimitPolicy(
                concurrency: maybe(5), requestsPerMinute: maybe(30), requestsPerHour: maybe(60),
                tokensPerMinute: maybe(2_000), burst: maybe(10)), now: now)
        var sure = 0
        for _ in 0..<200 {
            now = now.advanced(by: .milliseconds(draw(4_000)))
            if draw(20) == 0 { state.rest(until: now.advanced(by: .milliseconds(draw(2_000)))) }
            _ = state.reserve(tokens: draw(200), now: now)
            if draw(3) > 0, state.running > 0 { state.end(tokens: 0, used: draw(300), now: now) }
            guard state.sureTokens >= 0 else { continue }
            sure += 1
            let later = now.advanced(by: .milliseconds(draw(100_000)))
            let refusal = state.refusal(tokens: min(state.sureTokens, 1_000_000), now: later)
            #expect(refusal == nil, "seed \(seed)")
        }
        return sure
    }

    @Test("a share of what is scarcest is left, and nothing while the provider wants none")
    func fraction() {
        let now = Instant(nanoseconds: 0)
        var state = LimitState(LimitPolicy(concurrency: 4, requestsPerMinute: 100, tokensPerMinute: 1_000), now: now)
        #expect(state.fraction(now: now) == 1)
        #expect(state.reserve(tokens: 100, now: now) == nil)
        #expect(state.fraction(now: now) == 0.75)
        state.end(tokens: 100, used: 900, now: now)
        #expect(state.fraction(now: now) == 0.1)
        state.rest(until: now.advanced(by: .seconds(1)))
        #expect(state.fraction(now: now) == 0)
        #expect(state.fraction(now: now.advanced(by: .seconds(60))) == 1)
    }
}
