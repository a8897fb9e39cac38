import Logging

/// How much an alert matters.
public enum AlertSeverity: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Good to know.
    case info
    /// Somebody should look today.
    case warning
    /// Somebody should look now.
    case critical

    /// Orders by weight.
    public static func < (left: Self, right: Self) -> Bool { left.weight < right.weight }

    private var weight: Int {
        switch self {
        case .info: 0
        case .warning: 1
        case .critical: 2
        }
    }

    /// The level of its line in the log.
    var level: Logger.Level {
        switch self {
        case .info: .notice
        case .warning: .warning
        case .critical: .critical
        }
    }
}
