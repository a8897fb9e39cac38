import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Simulated traffic")
struct SimulatedTrafficTests {
    private struct Nobody: SimulationObserver {
        func record(_ event: SimulationEvent, at now: Instant) {}
    }

    /// An hour over two providers, of which one is out for ten minutes.
    private func hour(seed: UInt64, order: VirtualExecutor.Order = .arrival) -> SimulationReport {
        let executor = VirtualExecutor(order: order)
        var broken = ProviderBehaviour()
        broken.faults = [.init(.failure(.upstreamFailed), rate: 1)]
        let models = [
            "a": ProviderModel(
                phases: [.init(from: .seconds(600), until: .seconds(1_200), broken)], inputPrice: 1_000,
                outputPrice: 4_000),
            "b": ProviderModel(),
        ]
        let recorder = SimulationRecorder(
            duration: .seconds(3_600), seed: seed, models: models, start: executor.now)
        let ending = executor.run {
            let targets = ["a", "b"].map { name in
                Target(
                    SimulatedProvider(
                        ProviderID(name), models[name] ?? ProviderModel(), seed: seed, time: executor.time,
                        observer: recorder))
            }
            let router = Router(
                id: "group", targets: targets, balancer: .priority, time: executor.time, random: .seeded(seed))
            var traffic = TrafficModel(model: "group", rate: 1)
            traffic.leaving = 0.1
            let clients = SimulatedClients(
                of: router, traffic: [traffic], duration: .seconds(3_600), seed: seed, time: executor.time,
                observer: recorder)
            await clients.run()
        }
        #expect(ending == .finished)
        return recorder.report
    }

    @Test("an outage of one of two providers costs attempts and no answers")
    func outage() {
        let report = self.hour(seed: 1)
        #expect((3_300...3_900).contains(report.requests))
        #expect(report.availability == 1)
        #expect(report.finished + report.abandoned == report.requests)
        // Its circuit breaker opens after a few, and probes now and then.
        #expect((5...50).contains(report.providers["a"]?.failures["upstreamFailed"] ?? 0))
        #expect((report.providers["b"]?.calls ?? 0) > 400)
        #expect((1.001...1.05).contains(report.attemptsPerRequest))
        #expect(report.slices.map(\.requests).reduce(0, +) == report.finished)
        #expect(report.providers["a"]?.cost ?? 0 > 1_000_000)
        #expect(report.providers["b"]?.cost == 0)
    }

    @Test("one seed is one trace, and another is another", arguments: [UInt64(1), 2, 3])
    func deterministic(seed: UInt64) {
        #expect(self.hour(seed: seed).trace == self.hour(seed: seed).trace)
        #expect(self.hour(seed: seed).trace != self.hour(seed: seed + 1).trace)
        let order = VirtualExecutor.Order.seeded(seed)
        #expect(self.hour(seed: seed, order: order).trace == self.hour(seed: seed, order: order).trace)
    }

    @Test("clients come at the rate of the traffic's shape", arguments: [UInt64(1), 2, 3])
    func shapes(seed: UInt64) {
        func count(_ shape: TrafficModel.Shape) -> [Int] {
            var traffic = TrafficModel(model: "m", rate: 2)
            traffic.shape = shape
            var random = SplitMix(seed)
            var now = Duration.zero
            var counts = Array(repeating: 0, count: 10)
            while true {
                now += traffic.pause(random.unit())
                guard now < .seconds(10_000) else { return counts }
                if traffic.comes(at: now, random.unit()) { counts[Int(now / .seconds(1_000))] += 1 }
            }
        }
        #expect(count(.flat).allSatisfy { (1_750...2_250).contains($0) })
        let wave = count(.wave(period: .seconds(10_000), depth: 0.9))
        #expect((18_500...21_500).contains(wave.reduce(0, +)))
        #expect(wave[0] < 700 && wave[4] > 3_200)
        let bursts = count(.bursts(every: .seconds(2_000), length: .seconds(1_000), times: 3))
        #expect(stride(from: 0, to: 10, by: 2).allSatisfy { bursts[$0] > 5_500 && bursts[$0 + 1] < 2_300 })
    }
}
