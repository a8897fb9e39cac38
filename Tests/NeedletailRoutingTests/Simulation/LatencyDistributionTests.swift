import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Models of a simulation")
struct LatencyDistributionTests {
    private func percentiles(_ distribution: LatencyDistribution, seed: UInt64) -> (Double, Double, Double) {
        var random = SplitMix(seed)
        let values = (0..<20_000).map { _ in distribution.sample { random.unit() } / .milliseconds(1) }.sorted()
        return (values[0], values[10_000], values[19_800])
    }

    @Test("a lognormal time has the median and the percentile that were asked for", arguments: [UInt64(1), 2, 3])
    func lognormal(seed: UInt64) {
        let (_, median, p99) = self.percentiles(.lognormal(median: .milliseconds(600), p99: .seconds(3)), seed: seed)
        #expect((570...630).contains(median))
        #expect((2_700...3_300).contains(p99))
    }

    @Test("a heavy tail has its least value, its law and its end", arguments: [UInt64(1), 2, 3])
    func heavyTail(seed: UInt64) {
        let law = LatencyDistribution.heavyTail(minimum: .milliseconds(100), alpha: 1, maximum: .seconds(60))
        let (least, median, p99) = self.percentiles(law, seed: seed)
        #expect((100...101).contains(least))
        // The median of Pareto's law with alpha 1 is twice the least value, and the 99th percentile a hundred times.
        #expect((190...210).contains(median))
        #expect((8_000...12_000).contains(p99))
    }

    @Test("uniform and constant times keep to their limits")
    func bounded() {
        let (least, median, p99) = self.percentiles(.uniform(.milliseconds(10), .milliseconds(20)), seed: 1)
        #expect(least >= 10 && (14.8...15.2).contains(median) && (19.8...20).contains(p99))
        #expect(LatencyDistribution.constant(.seconds(1)).sample { 0.5 } == .seconds(1))
    }

    @Test("a histogram's percentiles are within its buckets", arguments: [0.0, 0.01, 0.5, 0.9, 0.99, 1.0])
    func histogram(share: Double) throws {
        var random = SplitMix(7)
        var histogram = LatencyHistogram()
        var values: [Duration] = []
        for _ in 0..<5_000 {
            let value = Duration.microseconds(Int(1e7 * random.unit() * random.unit()))
            values.append(value)
            histogram.add(value)
        }
        let exact = values.sorted()[max(0, Int((share * 5_000).rounded(.up)) - 1)]
        let found = try #require(histogram.percentile(share))
        #expect(found >= exact)
        #expect(found <= exact * 1.07 + .microseconds(1))
        #expect(LatencyHistogram().percentile(0.5) == nil)
    }

    @Test("a modelled limit never lets more through than its burst and its rate", arguments: [UInt64(1), 2, 3, 4])
    func limit(seed: UInt64) {
        var random = SplitMix(seed)
        var state = ProviderLimitState(.init(requestsPerMinute: 60, burst: 5))
        var now = Instant(nanoseconds: 0)
        var admitted: [Instant] = []
        for _ in 0..<2_000 {
            now = now.advanced(by: .milliseconds(Int(random.next() % 500)))
            guard let wait = state.admit(now: now) else {
                admitted.append(now)
                continue
            }
            // What it asks to wait is neither too little nor too much.
            var (late, early) = (state, state)
            #expect(late.admit(now: now.advanced(by: wait)) == nil)
            #expect(early.admit(now: now.advanced(by: wait - .nanoseconds(1))) != nil)
        }
        for (index, first) in admitted.enumerated() where index + 5 < admitted.count {
            #expect(admitted[index + 5].duration(since: first) >= .milliseconds(999))
        }
    }
}
