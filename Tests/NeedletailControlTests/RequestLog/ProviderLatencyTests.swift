import Logging
import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("How long providers take, over time")
struct ProviderLatencyTests {
    private static let info = RequestInfo(id: "r", logger: Logger(label: "test"))
    private static let failure = NeedletailError(.upstreamFailed, "It broke.")

    private static func attempt(
        _ provider: String, _ duration: Duration, _ end: Outcome.End = .finished, wasSent: Bool = true
    ) -> AttemptRecord {
        AttemptRecord(
            request: Self.info, provider: ProviderID(provider), model: "m", wasSent: wasSent,
            start: Instant(nanoseconds: 0), duration: duration, outcome: Outcome(end), isCommitted: true)
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test(
        "a duration is in the first row that is longer",
        arguments: [(0, 0), (49, 0), (50, 1), (999, 4), (1_000, 5), (29_999, 8), (30_000, 9), (600_000, 9)])
    func rows(_ milliseconds: Int, _ row: Int) {
        #expect(ProviderLatencyState.row(of: .milliseconds(milliseconds)) == row)
    }

    @Test("calls are counted by provider, minute and row; failures apart, those left or never sent not at all")
    func counts() throws {
        var state = ProviderLatencyState()
        state.count([Self.attempt("a", .milliseconds(70)), Self.attempt("b", .seconds(60))], now: Self.at(10))
        state.count(
            [
                Self.attempt("a", .milliseconds(70)), Self.attempt("a", .seconds(3), .failed(Self.failure)),
                Self.attempt("a", .seconds(3), .abandoned), Self.attempt("c", .seconds(3), wasSent: false),
            ], now: Self.at(130))
        let shown = state.last(3, now: Self.at(179))
        #expect(shown.map(\.provider.rawValue) == ["a", "b"])
        let a = try #require(shown.first).columns
        #expect(a.map { $0.reduce(0, +) } == [1, 0, 2])
        #expect(a[0][1] == 1 && a[2][1] == 1 && a[2].last == 1)
        #expect(try #require(shown.last).columns[0][ProviderLatencyState.bounds.count] == 1)
        #expect(state.last(2, now: Self.at(179)).map(\.provider.rawValue) == ["a"])
    }

    @Test("a minute that is more than an hour old is gone, also where nothing came since")
    func age() {
        var state = ProviderLatencyState()
        state.count([Self.attempt("a", .seconds(1))], now: Self.at(0))
        #expect(state.last(60, now: Self.at(59 * 60)).count == 1)
        #expect(state.last(60, now: Self.at(60 * 60)).isEmpty)
        state.count([Self.attempt("a", .seconds(1))], now: Self.at(60 * 60))
        #expect(state.last(60, now: Self.at(60 * 60)).first?.columns.joined().reduce(0, +) == 1)
    }

    @Test("no more than so many providers are told apart")
    func bound() {
        var state = ProviderLatencyState()
        for number in 0..<(ProviderLatencyState.capacity * 2) {
            state.count([Self.attempt("p\(number)", .seconds(1))], now: Self.at(0))
        }
        let shown = state.last(1, now: Self.at(0))
        #expect(shown.count == ProviderLatencyState.capacity + 1)
        #expect(
            shown.first { $0.provider == ProviderLatencyState.other }?.columns.joined().reduce(0, +)
                == ProviderLatencyState.capacity)
    }
}
