import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("Alerts: objectives")
struct ObjectiveTests {
    private static let objective: Objective = {
        var objective = Objective(name: "chat", scope: AlertScope(.group, "chat"))
        objective.availability = 0.999
        objective.firstToken = .seconds(2)
        return objective
    }()

    private static func at(_ hours: Double) -> Instant { Instant(nanoseconds: Int64(hours * 3_600e9)) }

    /// A month of steady traffic, one step of five minutes after the other.
    private static func state(hours: Int, badShare: (Double) -> Double) -> (ObjectiveState, ObjectiveCounts) {
        var state = ObjectiveState(Self.objective)
        var counts = ObjectiveCounts()
        for step in 0..<hours * 12 {
            let hour = Double(step) / 12
            counts.requests += 100_000
            counts.failures += Int(100_000 * badShare(hour))
            state.observe(counts, now: Self.at(hour))
        }
        return (state, counts)
    }

    /// The Site Reliability Workbook's table: what 2 %, 5 % and 10 % of a month's budget come to.
    @Test(
        "the burn rates at which it tells spend 2, 5 and 10 percent of the error budget in the long window",
        arguments: [(0, 3_600, 300, 0.02), (1, 21_600, 1_800, 0.05), (2, 259_200, 21_600, 0.1)])
    func workbook(index: Int, long: Int, short: Int, share: Double) {
        let pair = BurnWindow.all[index]
        let month = Duration.seconds(30 * 86_400)
        #expect(pair.long(month) == .seconds(long) && pair.short(month) == .seconds(short))
        #expect(abs(pair.factor * Double(long) / Double(30 * 86_400) - share) < 1e-9)
    }

    @Test("an outage of one percent of the requests burns ten times what three nines allow")
    func burning() throws {
        let (state, counts) = Self.state(hours: 48) { $0 >= 46 ? 0.01 : 0 }
        let now = Self.at(48 - 1.0 / 12)
        let hour = try #require(state.burnRate(.availability, .seconds(3_600), now: now))
        #expect(abs(hour - 10) < 0.01)
        let sixHours = try #require(state.burnRate(.availability, .seconds(21_600), now: now))
        #expect(abs(sixHours - 10.0 / 3) < 0.1)
        let all = try #require(state.burnRate(.availability, .seconds(30 * 86_400), now: now))
        #expect(abs(all - 10.0 / 24) < 0.01)
        #expect(state.counts(.seconds(30 * 86_400), now: now) == counts)
        // The fast pair asks for more than 14.4, the middle one for 6 over six hours.
        #expect(try #require(state.burnRate(.availability, BurnWindow.all[0], now: now)) < 14.4)
    }

    @Test("what is over is soon told to be over: the short window sees to that")
    func recovery() throws {
        let (state, _) = Self.state(hours: 3) { $0 >= 1 && $0 < 2.5 ? 0.5 : 0 }
        let now = Self.at(3 - 1.0 / 12)
        #expect(try #require(state.burnRate(.availability, .seconds(3_600), now: now)) > 14.4)
        #expect(state.burnRate(.availability, BurnWindow.all[0], now: now) == 0)
    }

    @Test("a window forgets what is older than it")
    func forgets() {
        let (state, _) = Self.state(hours: 24) { _ in 1 }
        #expect(state.burnRate(.availability, .seconds(30 * 86_400), now: Self.at(24 * 31)) == nil)
        #expect(state.counts(.seconds(86_400), now: Self.at(24 * 31)) == ObjectiveCounts())
    }

    @Test("few requests tell nobody")
    func few() {
        var state = ObjectiveState(Self.objective)
        state.observe(ObjectiveCounts(requests: 19, failures: 19), now: Self.at(1))
        #expect(state.burnRate(.availability, BurnWindow.all[0], now: Self.at(1)) == nil)
        state.observe(ObjectiveCounts(requests: 20, failures: 19), now: Self.at(1))
        #expect(state.burnRate(.availability, BurnWindow.all[0], now: Self.at(1)) != nil)
    }

    @Test("a cell counts its group's requests, and no failure of the client's")
    func cell() {
        let cell = ObjectiveCell(Self.objective)
        for error in [nil, NeedletailError(.invalidRequest, "No."), NeedletailError(.timedOut, "Late.")] {
            cell.count(RecordSamples.request(model: "chat", error: error, isStreaming: error == nil))
            cell.count(RecordSamples.request(model: "other", error: error))
        }
        #expect(cell.counts == ObjectiveCounts(requests: 2, failures: 1, streams: 1, late: 0))
    }
}
