import NeedletailCore

/// Something went wrong, or is well again.
struct AlertEvent: Sendable {
    /// Tells events apart, also those of several gateways.
    var id: String
    /// Whether it is well again.
    var isResolved: Bool
    var rule: AlertRule
    /// What it is about, by its name.
    var subject: String
    /// The last value that was known.
    var value: Double?
    /// When this was found, in nanoseconds since 1970.
    var wallNanoseconds: Int64

    /// The name, which may have come from a client, cut to a length that people read.
    var shownSubject: String { String(self.subject.prefix(200)) }

    /// One sentence for people.
    var message: String {
        let rule = self.rule
        let what = "\(rule.metric.rawValue) of \(self.shownSubject)"
        guard let value else { return "\(what) is not known any more." }
        let (shown, limit) = (rule.metric.text(value), rule.metric.text(rule.threshold))
        if self.isResolved { return "\(what) is well again: \(shown)." }
        switch rule.metric.unit {
        case .flag: return "The circuit breaker of \(self.shownSubject) is open."
        case _ where rule.metric.isBadWhenLow: return "\(what) is \(shown), below \(limit)."
        default: return "\(what) is \(shown); the limit is \(limit)."
        }
    }
}

extension AlertMetric {
    /// A value as people read it.
    func text(_ value: Double) -> String {
        switch self.unit {
        case .ratio: "\(Self.rounded(value * 100)) %"
        case .duration where value >= 172_800: "\(Self.rounded(value / 86_400)) days"
        case .duration: "\(Self.rounded(value)) s"
        case .flag: value > 0 ? "open" : "closed"
        case .factor: "\(Self.rounded(value)) times what is allowed"
        }
    }

    /// At most two digits after the point.
    private static func rounded(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        guard abs(rounded) < 1e15 else { return "\(rounded)" }
        return rounded == rounded.rounded() ? String(Int(rounded)) : "\(rounded)"
    }
}
