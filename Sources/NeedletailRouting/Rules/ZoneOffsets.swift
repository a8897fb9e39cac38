/// What a time zone's clocks show, as plain data: who composes the gateway looks it up once, and a request only searches.
public struct ZoneOffsets: Sendable, Hashable {
    /// From when on which offset holds.
    public struct Transition: Sendable, Hashable {
        /// Seconds since 1970-01-01 UTC.
        public let begin: Int64
        /// Seconds to add to UTC.
        public let offset: Int

        /// Creates a transition.
        public init(begin: Int64, offset: Int) {
            self.begin = begin
            self.offset = offset
        }
    }

    /// The zone's name, for people.
    public let name: String
    private let first: Int
    private let transitions: [Transition]

    /// Creates a zone.
    ///
    /// - Parameters:
    ///   - first: The offset in seconds before the first transition.
    ///   - transitions: In the order of time.
    public init(name: String, first: Int, transitions: [Transition] = []) {
        self.name = name
        self.first = first
        self.transitions = transitions
    }

    /// Coordinated universal time.
    public static let utc = Self(name: "UTC", first: 0)

    /// The offset at a time, in seconds to add to UTC.
    public func offset(at wallSeconds: Int64) -> Int {
        var (low, high) = (0, self.transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if self.transitions[middle].begin <= wallSeconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? self.first : self.transitions[low - 1].offset
    }
}
