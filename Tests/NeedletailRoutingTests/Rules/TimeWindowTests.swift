import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("Time windows")
struct TimeWindowTests {
    /// 2026-11-23 was a Monday.
    private static let monday: Int64 = 1_795_392_000

    private static func time(_ day: Int64, _ hour: Int64, _ minute: Int64 = 0) -> Int64 {
        Self.monday + day * 86_400 + hour * 3_600 + minute * 60
    }

    @Test(
        "a window is open on its days between its hours, and over midnight belongs to the day on which it opens",
        arguments: [
            (0, 8, 0, true), (0, 7, 59, false), (0, 17, 59, true), (0, 18, 0, false), (1, 8, 0, false), (7, 8, 0, true),
            (-7, 8, 0, true), (5, 22, 0, false), (-1, 12, 0, false),
        ] as [(Int64, Int64, Int64, Bool)])
    func day(_ day: Int64, _ hour: Int64, _ minute: Int64, _ isOpen: Bool) {
        let window = TimeWindow(days: .init(number: 0), opening: 8 * 60, closing: 18 * 60)
        #expect(window.contains(wallSeconds: Self.time(day, hour, minute)) == isOpen)
    }

    @Test(
        "over midnight",
        arguments: [(4, 22, true), (5, 5, true), (5, 6, false), (5, 22, false), (4, 5, false)] as [(Int64, Int64, Bool)]
    )
    func midnight(_ day: Int64, _ hour: Int64, _ isOpen: Bool) {
        let window = TimeWindow(days: .init(number: 4), opening: 22 * 60, closing: 6 * 60)
        #expect(window.contains(wallSeconds: Self.time(day, hour)) == isOpen)
    }

    @Test("a zone moves the clock, and its transitions do")
    func zone() {
        let zone = ZoneOffsets(
            name: "x", first: 3_600,
            transitions: [.init(begin: Self.time(1, 0), offset: 7_200), .init(begin: Self.time(2, 0), offset: -3_600)])
        #expect([-1, 0, 1, 2, 9].map { zone.offset(at: Self.time($0, 0)) } == [3_600, 3_600, 7_200, -3_600, -3_600])
        let window = TimeWindow(opening: 8 * 60, closing: 9 * 60, zone: zone)
        #expect(window.contains(wallSeconds: Self.time(0, 7)) && !window.contains(wallSeconds: Self.time(0, 8)))
        #expect(window.contains(wallSeconds: Self.time(1, 6)) && window.contains(wallSeconds: Self.time(2, 9)))
    }

    @Test("before 1970 the week goes on")
    func past() {
        let window = TimeWindow(days: .init(number: 2))
        #expect(window.contains(wallSeconds: -1), "1969-12-31 was a Wednesday")
        #expect(!window.contains(wallSeconds: 0))
    }
}
