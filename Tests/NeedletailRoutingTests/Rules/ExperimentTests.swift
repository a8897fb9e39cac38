import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Experiments")
struct ExperimentTests {
    private func arm(_ name: String, _ weight: Double = 1, pricing: ExperimentArm.Pricing? = nil) -> ExperimentArm {
        ExperimentArm(name, destination: .init(.group(name), providers: []), weight: weight, pricing: pricing)
    }

    @Test(
        "weights are met, an arm of weight 0 is never drawn, and who has drawn stays",
        arguments: [[1, 1], [9, 1], [1, 0, 3], [0, 0.5], [0, 0]] as [[Double]], 0..<5 as Range<UInt64>)
    func draws(_ weights: [Double], _ seed: UInt64) {
        let arms = weights.enumerated().map { self.arm("\($0.offset)", $0.element) }
        let experiment = Experiment("e", condition: .init(), arms: arms, draw: .init(.key, name: "e", seed: seed))
        var counts = Array(repeating: 0, count: arms.count)
        for number in 0..<10_000 {
            let info = ruleInfo("\(number)", key: "k\(number)")
            let drawn = experiment.arm(for: ruleRequest(), info)
            counts[Int(drawn.name) ?? 0] += 1
            #expect(experiment.arm(for: ruleRequest("other"), ruleInfo("x", key: "k\(number)")) === drawn)
        }
        let sum = weights.reduce(0, +)
        for (count, weight) in zip(counts, weights) {
            let share = sum > 0 ? weight / sum : 1 / Double(weights.count)
            #expect(
                abs(Double(count) - share * 10_000) < 5 * (10_000 * share * (1 - share)).squareRoot() + 0.5,
                "seed \(seed)")
        }
    }

    @Test("an arm counts what became of its requests: ends, times, tokens, money")
    func counts() async throws {
        let time = JumpingTime()
        let arm = self.arm("a") { usage, _, _ in usage.outputTokens == 1 ? Money(picodollars: 2_000_000_000) : nil }
        func ask(_ step: ScriptedProvider.Step, read: Bool = true) async throws {
            let provider = FunctionProvider("p") { (request, context) throws(NeedletailError) in
                time.advance(by: .seconds(2))
                return try await ScriptedProvider("p", [step]).respond(to: request, context: context)
            }
            guard
                let reply = try? await arm.respond(
                    to: ruleRequest(), context: .testing(), through: provider, time: time.source)
            else { return }
            guard case .stream(let stream) = reply.body, read else { return }
            time.advance(by: .seconds(1))
            var chunks = stream.makeAsyncIterator()
            while (try? await chunks.next()) != nil {}
        }
        try await ask(.reply("{}"))
        try await ask(.stream(["a", "b"]))
        try await ask(.stream(["a"]), read: false)
        try await ask(.broken(["a"], NeedletailError(.upstreamFailed, "x")))
        try await ask(.failure(NeedletailError(.overloaded, "x")))
        try await ask(.failure(NeedletailError(.invalidRequest, "x")))
        try await ask(.failure(NeedletailError(.cancelled, "x")))
        let state = arm.snapshot
        #expect(state.requests == 7 && state.succeeded == 2 && state.failed == 2 && state.neutral == 3)
        #expect(state.latency.count == 2 && state.latency.mean == 2.5)
        #expect(state.firstToken.count == 1 && state.firstToken.mean == 2)
        #expect(state.outputTokens.count == 1 && state.outputTokens.mean == 1)
        #expect(state.cost.count == 1 && abs(state.cost.mean - 0.002) < 1e-12)
        let experiment = Experiment("e", condition: .init(), arms: [arm, self.arm("b")], draw: .init(.key, name: "e"))
        let snapshot = experiment.snapshot()
        #expect(snapshot.arms.map(\.share) == [0.5, 0.5] && snapshot.arms[0].successRate == 0.5)
        #expect(snapshot.comparisons.count == 1 && snapshot.comparisons[0].successRate == nil)
        let next = ExperimentArm("a", destination: arm.destination, previous: arm)
        #expect(next.snapshot == arm.snapshot, "over a reload it goes on")
        experiment.reset()
        #expect(experiment.snapshot().arms[0].requests == 0)
    }

    @Test("moments are those of the textbook, for large means too", arguments: [0, 1e9])
    func moments(_ shift: Double) {
        var series = RunningMoments()
        for value in [4, 7, 13, 16] { series.add(shift + Double(value)) }
        series.add(.nan)
        series.add(.infinity)
        #expect(series.count == 4 && series.mean == shift + 10)
        #expect(abs((series.variance ?? 0) - 30) < 1e-6)
    }

    @Test(
        "Wilson's interval of published examples",
        arguments: [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)])
    func wilson(_ successes: Int, _ trials: Int, _ low: Double, _ high: Double) throws {
        // Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, 1998, table I.
        let interval = try #require(ConfidenceInterval.proportion(successes, of: trials))
        #expect(abs(interval.low - low) < 0.00006 && abs(interval.high - high) < 0.00006)
        #expect(ConfidenceInterval.proportion(0, of: 0) == nil)
    }

    @Test(
        "Newcombe's interval of published examples",
        arguments: [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 20, 0.6791, 1)])
    func newcombe(_ a: Int, _ m: Int, _ b: Int, _ n: Int, _ low: Double, _ high: Double) throws {
        // Newcombe, Interval estimation for the difference between independent proportions, table II, method 10.
        let interval = try #require(ConfidenceInterval.difference(ofProportions: (a, m), (b, n)))
        #expect(abs(interval.low - low) < 0.00006 && abs(interval.high - high) < 0.00006)
    }

    @Test(
        "Student's quantiles are the tables'",
        arguments: [
            (1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (100, 1.984),
            (1e9, 1.960),
        ] as [(Double, Double)])
    func student(_ degrees: Double, _ quantile: Double) {
        #expect(abs(StudentT.quantile(degrees: degrees) / quantile - 1) < 0.003)
    }

    @Test(
        "of Welch's intervals 95 in 100 hold the difference, with unequal variances and few samples",
        arguments: 0..<4 as Range<UInt64>)
    func welch(_ seed: UInt64) {
        let random = RandomSource.seeded(seed)
        // Twelve uniform numbers less six: nearly normal.
        func normal() -> Double { (0..<12).reduce(-6.0) { sum, _ in sum + random.unit() } }
        var held = 0
        for _ in 0..<2_000 {
            var (one, two) = (RunningMoments(), RunningMoments())
            for _ in 0..<8 { one.add(5 + normal()) }
            for _ in 0..<20 { two.add(2 + 4 * normal()) }
            if let interval = ConfidenceInterval.difference(ofMeans: one, two), interval.low <= 3, interval.high >= 3 {
                held += 1
            }
        }
        #expect((1_850...1_950).contains(held), "seed \(seed): \(held)")
    }
}
