/// When somebody is to be told.
public struct AlertRule: Sendable, Hashable {
    /// The name, for people and for what they look up in `docs/alerts.md`.
    public var name: String
    /// What is watched.
    public var metric: AlertMetric
    /// Of what.
    public var scope: AlertScope
    /// At this value or beyond it is bad. Seconds for durations.
    public var threshold: Double
    /// It is good again only on the good side of this, so that a value that wavers about the threshold tells once.
    public var clear: Double
    /// How long it must be bad without a pause. Default none.
    public var holds: Duration = .zero
    /// How far back counts reach. Default 5 minutes.
    public var window: Duration = .seconds(300)
    /// Fewer requests within the window than this say nothing. Default 20.
    public var minimumRequests = 20
    /// How much it matters. Default warning.
    public var severity = AlertSeverity.warning
    /// The webhooks that are told; `nil` for all.
    public var notify: [String]?
    /// Whether it is one that holds without being written.
    public var isBuiltIn = false

    /// Creates a rule.
    public init(name: String, metric: AlertMetric, scope: AlertScope, threshold: Double, clear: Double) {
        self.name = name
        self.metric = metric
        self.scope = scope
        self.threshold = threshold
        self.clear = clear
    }

    /// Whether a value is bad enough to tell.
    func isBad(_ value: Double) -> Bool {
        self.metric.isBadWhenLow ? value < self.threshold : value >= self.threshold
    }

    /// Whether a value is good enough to take it back.
    func isGood(_ value: Double) -> Bool {
        self.metric.isBadWhenLow ? value >= self.clear : value < self.clear
    }

    /// How long a value that is not known any more is taken for the last one.
    var memory: Duration { max(self.window, self.holds) }
}
