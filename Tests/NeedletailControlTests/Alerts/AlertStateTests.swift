import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("Alerts: state")
struct AlertStateTests {
    private static func rule(
        _ metric: AlertMetric = .errorRate, threshold: Double = 0.2, clear: Double = 0.1, holds: Duration = .zero
    ) -> AlertRule {
        var rule = AlertRule(
            name: "r", metric: metric, scope: AlertScope(.provider), threshold: threshold, clear: clear)
        rule.holds = holds
        return rule
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    /// What a run of values, ten seconds apart, changes: `F` for fired, `R` for resolved, `-` for nothing.
    private static func story(_ rule: AlertRule, _ values: [Double?]) -> String {
        var state = AlertState()
        return values.enumerated().map { index, value in
            switch state.observe(value, rule, now: Self.at(Int64(index) * 10)) {
            case .fired: "F"
            case .resolved: "R"
            case nil: "-"
            }
        }.joined()
    }

    @Test(
        "it tells once when it is bad for long enough, and once when it is good again",
        arguments: [
            (0, [0.1, 0.2, 0.5, 0.2] as [Double?], "-F--"),
            // Between the two thresholds nothing changes.
            (0, [0.3, 0.15, 0.19, 0.3, 0.15, 0.09, 0.15, 0.2], "F----R-F"),
            (20, [0.3, 0.3, 0.3, 0.3], "--F-"),
            // One good look begins the wait anew.
            (20, [0.3, 0.3, 0.1, 0.3, 0.3, 0.3], "-----F"),
            // So does one that says nothing.
            (20, [0.3, 0.3, nil, 0.3, 0.3, 0.3], "-----F"),
        ])
    func hysteresis(holds: Int, values: [Double?], story: String) {
        #expect(Self.story(Self.rule(holds: .seconds(holds)), values) == story)
    }

    @Test("low values are the bad ones of health")
    func low() {
        let rule = Self.rule(.health, threshold: 0.3, clear: 0.5)
        #expect(Self.story(rule, [0.3, 0.29, 0.4, 0.49, 0.5]) == "-F--R")
    }

    @Test("traffic that stops is no recovery, but is forgotten after the window")
    func silence() {
        let values: [Double?] = [0.5] + Array(repeating: nil, count: 31)
        #expect(Self.story(Self.rule(), values) == "F" + String(repeating: "-", count: 29) + "R-")
    }

    @Test("a board judges each thing by itself, keeps what is bad and forgets what is not")
    func board() {
        let rule = Self.rule()
        var board = AlertBoard([rule], prefix: "p")
        let first = board.judge(
            rule, [.init(subject: "a", value: 0.5), .init(subject: "b", value: 0)], now: Self.at(0),
            wallNanoseconds: 7_000_000_000)
        #expect(first.map(\.subject) == ["a"] && first.map(\.id) == ["p_1"])
        #expect(board.active.map(\.subject) == ["a"])
        // What is not there any more is over when its last value is old.
        #expect(board.judge(rule, [], now: Self.at(299), wallNanoseconds: 0).isEmpty)
        let last = board.judge(rule, [], now: Self.at(300), wallNanoseconds: 0)
        #expect(last.map(\.isResolved) == [true] && board.active.isEmpty)
        #expect(board.events.map(\.isResolved) == [false, true])
    }

    @Test("a rule that says the same goes on after a reload, another one ends what it told")
    func reload() {
        let (kept, changed) = (
            Self.rule(),
            {
                var rule = Self.rule(); rule.name = "other"; return rule
            }()
        )
        var board = AlertBoard([kept, changed], prefix: "p")
        for rule in [kept, changed] {
            _ = board.judge(rule, [.init(subject: "a", value: 0.5)], now: Self.at(0), wallNanoseconds: 0)
        }
        var next = changed
        next.threshold = 0.4
        let over = board.replace([kept, next], wallNanoseconds: 0)
        #expect(over.map(\.rule.name) == ["other"] && over.map(\.isResolved) == [true])
        #expect(board.active.map(\.rule.name) == ["r"])
    }

    @Test("of too many things the same ones are watched at each look, in whatever order they come")
    func order() {
        let rule = Self.rule()
        var board = AlertBoard([rule], prefix: "p")
        let readings = (0..<600).map { AlertBoard.Reading(subject: "s\($0)", value: 1) }
        let first = board.judge(rule, readings.reversed(), now: Self.at(0), wallNanoseconds: 0)
        #expect(first.map(\.subject) == Array(readings.map(\.subject).sorted().prefix(AlertBoard.mostSubjects)))
        #expect(board.judge(rule, readings, now: Self.at(10), wallNanoseconds: 0).isEmpty)
    }

    @Test("what clients think up does not fill the memory")
    func bound() {
        let rule = Self.rule()
        var board = AlertBoard([rule], prefix: "p")
        let readings = (0..<5_000).map { AlertBoard.Reading(subject: "s\($0)", value: 1) }
        let events = board.judge(rule, readings, now: Self.at(0), wallNanoseconds: 0)
        #expect(events.count == AlertBoard.mostSubjects && board.events.count == AlertBoard.remembered)
    }
}
