import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

private func at(_ seconds: Double) -> Instant {
    Instant(nanoseconds: Int64(seconds * 1e9))
}

@Suite("Statistics of a deployment")
struct DeploymentStatisticsTests {
    @Test("the peak average jumps up at once, comes down slowly and falls towards zero in silence")
    func peak() {
        var peak = PeakEWMA()
        peak.observe(.milliseconds(100), now: at(0))
        #expect(peak.value(now: at(0)) == 100e6)
        peak.observe(.milliseconds(900), now: at(1))
        #expect(peak.value(now: at(1)) == 900e6)
        peak.observe(.milliseconds(100), now: at(2))
        let after = peak.value(now: at(2))
        #expect(after < 900e6 && after > 800e6)
        #expect(peak.value(now: at(12)) < after * 0.37)
        #expect(peak.value(now: at(1_000)) < 1)
    }

    @Test("a clock that stands or goes back does no harm")
    func backwards() {
        var peak = PeakEWMA()
        peak.observe(.seconds(1), now: at(5))
        peak.observe(.milliseconds(1), now: at(5))
        peak.observe(.milliseconds(1), now: at(3))
        #expect(peak.value(now: at(5)) == 1e9)
        #expect(peak.stamp == at(5))
    }

    @Test("the window holds the last 100, whatever came before")
    func window() {
        var window = LatencyWindow()
        #expect(window.mean == nil && window.percentile(0.95) == nil)
        for _ in 0..<250 { window.insert(.seconds(9)) }
        for value in 1...100 { window.insert(.milliseconds(value)) }
        #expect(window.count == 100)
        #expect(window.mean == .microseconds(50_500))
        #expect(window.percentile(0.95) == .milliseconds(95))
        #expect(window.percentile(0) == .milliseconds(1))
        #expect(window.percentile(1) == .milliseconds(100))
        window.insert(.seconds(1_000_000_000_000))
        #expect(window.percentile(1) == .seconds(86_400))
    }

    @Test("health is 1 at first, falls with failures, returns with successes")
    func successRate() {
        var health = HealthState()
        #expect(health.score(now: at(0)) == 1)
        for _ in 0..<4 { health.observe(.failure, now: at(1)) }
        #expect(abs(health.score(now: at(1)) - 0.6561) < 1e-9)
        for _ in 0..<100 { health.observe(.success, now: at(2)) }
        #expect(health.score(now: at(2)) > 0.99)
        #expect(health.lastSuccess == at(2))
    }

    @Test("what blames nobody changes nothing")
    func neutral() {
        var health = HealthState()
        health.observe(.failure, now: at(1))
        let before = health
        for second in 2..<100 { health.observe(.neutral, now: at(Double(second))) }
        #expect(health == before)
    }

    @Test("half of what is known is forgotten in half a minute of silence")
    func recency() {
        var health = HealthState()
        for _ in 0..<100 { health.observe(.failure, now: at(0)) }
        #expect(health.score(now: at(0)) < 0.001)
        #expect(abs(health.score(now: at(30)) - 0.5) < 0.001)
        #expect(abs(health.score(now: at(60)) - 0.75) < 0.001)
    }

    @Test("twice the baseline is still well, four times is half as well")
    func latency() {
        var health = HealthState()
        for _ in 0..<500 { health.observe(latency: .milliseconds(100), now: at(0)) }
        health.observe(.success, now: at(0))
        #expect(health.score(now: at(0)) == 1)
        for _ in 0..<20 { health.observe(latency: .milliseconds(400), now: at(0)) }
        let score = health.score(now: at(0))
        #expect(score > 0.5 && score < 0.85)
    }

    @Test("calls are counted in and out, and a fast failure does not look like a fast reply")
    func shell() {
        let statistics = DeploymentStatistics()
        statistics.begin()
        statistics.begin()
        #expect(statistics.inFlight == 2)
        statistics.commit(latency: .seconds(1), isStreamed: true, now: at(1))
        statistics.end(
            AttemptResult(
                .success, latency: .seconds(1), isStreamed: true, usage: Usage(inputTokens: 3, outputTokens: .max)),
            isCommitted: true, now: at(1))
        statistics.end(AttemptResult(.failure, latency: .milliseconds(1)), isCommitted: false, now: at(1))
        #expect(statistics.inFlight == 0)
        #expect(statistics.peak.value(now: at(1)) == 1e9)
        #expect(statistics.meanLatency == 1e9)
        #expect(abs(statistics.errorRate(now: at(1)) - 0.1) < 1e-9)
        let state = statistics.snapshot()
        #expect(statistics.health(now: at(1)) == state.health.score(now: at(1)))
        #expect(state.successes == 1 && state.failures == 1 && state.firstTokens.count == 1)
        #expect(state.outputTokens == .max)
    }

    @Test("a slow failure looks as slow as it was")
    func slowFailure() {
        let statistics = DeploymentStatistics()
        statistics.begin()
        statistics.end(AttemptResult(.failure, latency: .seconds(60)), isCommitted: false, now: at(60))
        #expect(statistics.peak.value(now: at(60)) == 60e9)
        #expect(statistics.meanLatency == nil)
    }

    @Test("a table gives one deployment for a pair, and forgets what is not kept")
    func table() {
        let table = DeploymentTable()
        let first = table.deployment("p", "m")
        #expect(table.deployment("p", "m") === first)
        #expect(table.deployment("p", nil) !== first)
        #expect(table.all.map(\.key.description) == ["p", "p/m"])
        table.keep { $0.model == nil }
        #expect(table.all.map(\.key.description) == ["p"])
    }
}

@Suite("What the router tells of its calls")
struct RouterStatisticsTests {
    private let time = JumpingTime()

    private func router(_ target: Target, maximumAttempts: Int = 1) -> Router {
        Router(
            id: "g", targets: [target], balancer: .priority, maximumAttempts: maximumAttempts, time: self.time.source,
            random: .seeded(1))
    }

    @Test(
        "a failure that blames the target counts, another does not",
        arguments: [(NeedletailError.Code.upstreamFailed, 1, 0), (.rateLimited, 0, 1), (.invalidRequest, 0, 1)])
    func failures(code: NeedletailError.Code, failures: Int, neutrals: Int) async {
        let target = Target(ScriptedProvider("a", [.failure(NeedletailError(code, "scripted"))]))
        _ = try? await self.router(target).respond(to: .sample(), context: .testing())
        let state = target.deployment.statistics.snapshot()
        #expect(state.failures == failures && state.neutrals == neutrals && state.successes == 0)
        #expect(target.deployment.statistics.inFlight == 0)
    }

    @Test("a stream is in flight until it ends, and is a success only when it ended well")
    func stream() async throws {
        let target = Target(
            ScriptedProvider(
                "a", [.stream(["x"]), .broken(["x"], NeedletailError(.upstreamFailed, "broken")), .stream(["x"])]))
        let router = self.router(target)
        let statistics = target.deployment.statistics
        for (succeeded, failed) in [(1, 0), (1, 1)] {
            let reply = try await router.respond(to: .sample(), context: .testing())
            #expect(statistics.inFlight == 1)
            guard case .stream(let stream) = reply.body else {
                Issue.record("this should be a stream")
                return
            }
            do { for try await _ in stream {} } catch { #expect(error.code == .upstreamFailed) }
            #expect(statistics.inFlight == 0)
            #expect(statistics.snapshot().successes == succeeded && statistics.snapshot().failures == failed)
        }
        // Nobody reads the third.
        do { _ = try await router.respond(to: .sample(), context: .testing()) }
        #expect(statistics.inFlight == 0)
        #expect(statistics.snapshot().neutrals == 1 && statistics.snapshot().firstTokens.count == 3)
    }
}
