import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("RetryBudgetState")
struct RetryBudgetStateTests {
    @Test("retries stay within the ratio of requests and the floor, whatever comes when", arguments: 0..<30)
    func bounded(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        let ratio = Double(random.next() % 50) / 100
        let floor = Int(random.next() % 15)
        var now = Instant(nanoseconds: Int64(random.next() % 10_000_000_000))
        let start = now
        var budget = RetryBudgetState(ratio: ratio, perSecond: floor, now: now)
        var requests = 0
        var retries = 0
        for _ in 0..<1_000 {
            now = now.advanced(by: .milliseconds(Int64(random.next() % 30)))
            if random.next() % 3 == 0 {
                requests += 1
                budget.deposit(now: now)
            } else {
                let can = budget.canWithdraw(now: now)
                let has = budget.withdraw(now: now)
                #expect(can == has, "seed \(seed)")
                if has { retries += 1 }
            }
            let seconds = Double(now.duration(since: start).wholeNanoseconds) / 1e9
            #expect(
                Double(retries) <= ratio * Double(requests) + Double(floor) * (seconds + 1) + 1e-6, "seed \(seed)")
        }
        if floor > 0 || ratio > 0.2 { #expect(retries > 0, "seed \(seed)") }
    }

    @Test("what was paid in is good for ten seconds and no longer")
    func expires() {
        var budget = RetryBudgetState(ratio: 0.1, perSecond: 0, now: Instant(nanoseconds: 0))
        for _ in 0..<20 { budget.deposit(now: Instant(nanoseconds: 0)) }
        let isThere = budget.withdraw(now: Instant(nanoseconds: 9_999_999_999))
        let isGone = !budget.withdraw(now: Instant(nanoseconds: 10_000_000_000))
        #expect(isThere && isGone)
    }

    @Test("ten requests pay for one retry, exactly")
    func exact() {
        let now = Instant(nanoseconds: 0)
        var budget = RetryBudgetState(ratio: 0.1, perSecond: 0, now: now)
        for _ in 0..<9 { budget.deposit(now: now) }
        let early = budget.withdraw(now: now)
        budget.deposit(now: now)
        let first = budget.withdraw(now: now)
        let second = budget.withdraw(now: now)
        #expect(!early && first && !second)
    }
}
