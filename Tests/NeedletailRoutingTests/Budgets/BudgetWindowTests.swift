import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("Budget windows")
struct BudgetWindowTests {
    struct Row: Sendable {
        var period: BudgetWindow.Period
        var now: Int64
        var start: Int64
        var next: Int64?
    }

    /// 2026-11-22 09:18:19 UTC, a Sunday; 2028 is a leap year.
    static let rows = [
        Row(period: .minute, now: 1_795_339_099, start: 1_795_339_080, next: 1_795_339_140),
        Row(period: .hour, now: 1_795_339_099, start: 1_795_338_000, next: 1_795_341_600),
        Row(period: .day, now: 1_795_339_099, start: 1_795_305_600, next: 1_795_392_000),
        Row(period: .week, now: 1_795_339_099, start: 1_794_787_200, next: 1_795_392_000),
        Row(period: .month, now: 1_795_339_099, start: 1_793_491_200, next: 1_796_083_200),
        Row(period: .month, now: 1_835_395_199, start: 1_832_976_000, next: 1_835_481_600),
        Row(period: .month, now: 1_835_395_200, start: 1_832_976_000, next: 1_835_481_600),
        Row(period: .month, now: 0, start: 0, next: 31 * 86_400),
        Row(period: .week, now: 0, start: -3 * 86_400, next: 4 * 86_400),
        Row(period: .total, now: 1_795_339_099, start: 0, next: nil),
    ]

    @Test("Calendar stretches in UTC", arguments: Self.rows)
    func calendar(row: Row) {
        let window = BudgetWindow(row.period)
        #expect(window.start(at: row.now) == row.start)
        #expect(window.next(after: row.start) == row.next)
        #expect(window.since(at: row.now) == row.start)
    }

    @Test("Days follow the zone's clock, also where summer time ends")
    func zone() {
        // Two hours ahead until 2026-10-25 01:00 UTC, one hour after.
        let end: Int64 = 1_792_890_000
        let window = BudgetWindow(.day, offset: { $0 < end ? 7_200 : 3_600 })
        let midnight = end - 3_600 - 7_200
        #expect(window.start(at: end - 1) == midnight)
        #expect(window.start(at: end + 40_000) == midnight)
        #expect(window.next(after: midnight) == midnight + 25 * 3_600)
    }

    @Test("A rolling window counts all that was spent in its length, and at most one slot more")
    func rolling() {
        let window = BudgetWindow(.hour, isRolling: true)
        for now in Int64(1_795_339_000)..<1_795_339_200 {
            let since = window.since(at: now)
            #expect(since <= now - 3_600 + 1 && since > now - 3_600 - 60)
            #expect(window.start(at: now) % 60 == 0)
        }
    }
}
