import NeedletailCore
import Testing

@Suite("Time")
struct TimeSourceTests {
    @Test("an instant moves by a duration")
    func advance() {
        let start = Instant(nanoseconds: 1_000)
        #expect(start.advanced(by: .nanoseconds(5)) == Instant(nanoseconds: 1_005))
        #expect(start.advanced(by: .seconds(2)) == Instant(nanoseconds: 2_000_001_000))
        #expect(start.advanced(by: .milliseconds(-1)) == Instant(nanoseconds: -999_000))
        #expect(start.advanced(by: .zero) == start)
        #expect(start < start.advanced(by: .nanoseconds(1)))
        #expect(start.advanced(by: .seconds(3)).duration(since: start) == .seconds(3))
        #expect(start.duration(since: start.advanced(by: .seconds(3))) == .seconds(-3))
    }

    @Test("an instant saturates instead of overflowing")
    func saturation() {
        let most = Instant(nanoseconds: .max)
        let least = Instant(nanoseconds: .min)
        #expect(most.advanced(by: .nanoseconds(1)) == most)
        #expect(most.advanced(by: .seconds(Int64.max)) == most)
        #expect(least.advanced(by: .nanoseconds(-1)) == least)
        #expect(least.advanced(by: .seconds(Int64.min)) == least)
        #expect(Instant(nanoseconds: 0).advanced(by: .seconds(Int64.max)) == most)
        #expect(Instant(nanoseconds: -1).advanced(by: .seconds(Int64.min)) == least)
        #expect(most.duration(since: least) == .nanoseconds(Int64.max))
        #expect(least.duration(since: most) == .nanoseconds(Int64.min))
        #expect(Instant(nanoseconds: 0).duration(since: least) == .nanoseconds(Int64.max))
        #expect(most.advanced(by: .nanoseconds(-1)) == Instant(nanoseconds: .max - 1))
    }

    @Test(
        "a duration is cut to nanoseconds that fit",
        arguments: [
            (Duration.zero, Int64(0)), (.nanoseconds(1), 1), (.nanoseconds(-1), -1), (.seconds(1), 1_000_000_000),
            (.milliseconds(-1500), -1_500_000_000), (.nanoseconds(Int64.max), .max), (.nanoseconds(Int64.min), .min),
            (.seconds(Int64.max), .max), (.seconds(Int64.min), .min), (.seconds(9_223_372_037), .max),
            (.seconds(-9_223_372_037), .min), (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0),
        ] as [(Duration, Int64)]
    )
    func wholeNanoseconds(_ duration: Duration, _ expected: Int64) {
        #expect(duration.wholeNanoseconds == expected)
    }

    @Test("the live clock does not run backwards, and a point that has passed is not waited for")
    func live() async throws {
        let first = TimeSource.live.now()
        try await TimeSource.live.sleep(first)
        try await TimeSource.live.sleep(Instant(nanoseconds: .min))
        #expect(TimeSource.live.now() >= first)
        #expect(TimeSource.live.wallSeconds() > 1_700_000_000)
        let cancelled = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            try await TimeSource.live.sleep(Instant(nanoseconds: .min))
        }
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        let endless = Task { try await TimeSource.live.sleep(Instant(nanoseconds: .max)) }
        endless.cancel()
        await #expect(throws: CancellationError.self) { try await endless.value }
    }
}
