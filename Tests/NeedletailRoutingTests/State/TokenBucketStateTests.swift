import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("TokenBucketState")
struct TokenBucketStateTests {
    private let start = Instant(nanoseconds: 1_000)

    @Test("never admits more than capacity and rate × time, in any window", arguments: 0..<50)
    func bounded(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let rate = 1 + draw(1_000)
        let capacity = 1 + draw(200)
        let period = Int64([1, 60, 3_600][draw(3)]) * 1_000_000_000
        var bucket = TokenBucketState(rate: rate, per: .nanoseconds(period), capacity: capacity, now: self.start)
        var now = self.start
        var taken: [(at: Instant, count: Int)] = []
        for _ in 0..<200 {
            now = now.advanced(by: .nanoseconds(Int64(draw(Int(period) / rate * 3 + 1))))
            let count = 1 + draw(capacity + 1)
            let level = bucket.level(now: now)
            let wait = bucket.wait(for: count, now: now)
            let isTaken = bucket.take(count, now: now)
            #expect(isTaken == (count <= level), "seed \(seed)")
            #expect(isTaken == (wait == .zero), "seed \(seed)")
            if isTaken { taken.append((now, count)) }
            // Refused, it takes nothing.
            #expect(bucket.level(now: now) == (isTaken ? level - count : level), "seed \(seed)")
        }
        var isWithin = true
        for (place, first) in taken.enumerated() {
            var sum: Int128 = 0
            for entry in taken[place...] {
                sum += Int128(entry.count)
                let elapsed = Int128(entry.at.duration(since: first.at).wholeNanoseconds)
                if (sum - Int128(capacity)) * Int128(period) > elapsed * Int128(rate) { isWithin = false }
            }
        }
        #expect(isWithin, "seed \(seed)")
    }

    @Test("what it says to wait is exact: one nanosecond earlier there is not enough", arguments: 0..<100)
    func exactWait(seed: UInt64) throws {
        let random = RandomSource.seeded(seed)
        let rate = 1 + Int(random.next() % 100_000)
        var bucket = TokenBucketState(rate: rate, per: .seconds(60), capacity: rate, now: self.start)
        _ = bucket.take(rate, now: self.start)
        let now = self.start.advanced(by: .nanoseconds(Int64(random.next() % 1_000_000)))
        let wait = try #require(bucket.wait(for: 1 + rate / 3, now: now))
        var early = bucket
        let isTooEarly = !early.take(1 + rate / 3, now: now.advanced(by: wait - .nanoseconds(1)))
        let isInTime = bucket.take(1 + rate / 3, now: now.advanced(by: wait))
        #expect(isTooEarly && isInTime, "seed \(seed)")
    }

    @Test("looking at it often loses nothing: after a period exactly the rate has come")
    func noDrift() {
        var bucket = TokenBucketState(rate: 7, per: .seconds(60), capacity: 7, now: self.start)
        _ = bucket.take(7, now: self.start)
        for step in 1..<6_000 { _ = bucket.take(8, now: self.start.advanced(by: .milliseconds(Int64(step) * 10))) }
        let end = self.start.advanced(by: .seconds(60))
        #expect(bucket.level(now: end.advanced(by: .nanoseconds(-1))) == 6)
        #expect(bucket.level(now: end) == 7)
    }

    @Test("never holds more than its capacity, however long nobody comes")
    func capped() {
        let bucket = TokenBucketState(rate: .max, per: .seconds(1), capacity: 5, now: Instant(nanoseconds: .min))
        #expect(bucket.level(now: Instant(nanoseconds: .max)) == 5)
    }

    @Test("what was taken by an estimate is settled: given back, or owed")
    func settled() {
        var bucket = TokenBucketState(rate: 60, per: .seconds(60), capacity: 100, now: self.start)
        _ = bucket.take(80, now: self.start)
        bucket.settle(taken: 80, used: 30, now: self.start)
        #expect(bucket.level(now: self.start) == 70)
        _ = bucket.take(10, now: self.start)
        bucket.settle(taken: 10, used: 200, now: self.start)
        #expect(bucket.level(now: self.start) == -130)
        #expect(bucket.wait(for: 1, now: self.start) == .seconds(131))
        bucket.settle(taken: 1_000, used: 0, now: self.start)
        #expect(bucket.level(now: self.start) == 100)
        bucket.settle(taken: 0, used: .max, now: self.start)
        bucket.settle(taken: 0, used: .max, now: self.start)
        #expect(bucket.level(now: self.start) < 0)
    }

    @Test("more than it ever holds never comes")
    func never() {
        let bucket = TokenBucketState(rate: 60, per: .seconds(60), capacity: 10, now: self.start)
        #expect(bucket.wait(for: 11, now: self.start) == nil)
    }

    @Test("a clock that goes back gives nothing")
    func backwards() {
        var bucket = TokenBucketState(rate: 60, per: .seconds(60), capacity: 10, now: self.start)
        _ = bucket.take(10, now: self.start)
        let isTaken = bucket.take(1, now: Instant(nanoseconds: .min))
        #expect(!isTaken)
        #expect(bucket.level(now: self.start) == 0)
    }

    @Test("as large as numbers get it neither traps nor gives too much")
    func large() {
        let start = Instant(nanoseconds: 0)
        let end = Instant(nanoseconds: .max)
        var bucket = TokenBucketState(rate: .max, per: .seconds(3_600), capacity: .max, now: start)
        #expect(bucket.take(.max, now: start) && bucket.level(now: start) == 0)
        #expect(bucket.wait(for: .max, now: start) == .seconds(3_600))
        bucket.settle(taken: 0, used: .max, now: start)
        #expect(bucket.level(now: start) < 0 && bucket.wait(for: .max, now: start) ?? .zero > .seconds(3_600))
        #expect(bucket.level(now: end) == .max && bucket.wait(for: .max, now: end) == .zero)
        #expect(bucket.level(now: Instant(nanoseconds: .min)) < 0)
    }
}
