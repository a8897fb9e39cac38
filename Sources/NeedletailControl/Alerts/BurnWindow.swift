/// A pair of windows over which the spending of an error budget is judged, both at once: the long one shows that it
/// matters, the short one that it still goes on.
///
/// The [Site Reliability Workbook](https://sre.google/workbook/alerting-on-slos/), table 5-8: for 30 days 2 % of the budget
/// within an hour, 5 % within six, 10 % within three days, each with a short window of a twelfth. For other windows all of
/// these are as much longer or shorter.
struct BurnWindow: Sendable, Hashable {
    /// The rule's name.
    var name: String
    /// How many of the long windows make the objective's.
    var divisor: Int
    /// How many times faster than allowed.
    var factor: Double
    var severity: AlertSeverity

    static let all = [
        BurnWindow(name: "objective_burning_fast", divisor: 720, factor: 14.4, severity: .critical),
        BurnWindow(name: "objective_burning", divisor: 120, factor: 6, severity: .critical),
        BurnWindow(name: "objective_burning_slowly", divisor: 10, factor: 1, severity: .warning),
    ]

    func long(_ window: Duration) -> Duration { window / self.divisor }
    func short(_ window: Duration) -> Duration { window / (self.divisor * 12) }
}
