/// Who goes first when not all can, and is refused last.
public enum RequestPriority: String, Sendable, Hashable, Comparable, CaseIterable {
    /// Gives way to all others.
    case low
    /// What is not said to be anything else.
    case normal
    /// Goes before all others.
    case high

    /// Orders by who gives way.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .low: 0
        case .normal: 1
        case .high: 2
        }
    }
}
