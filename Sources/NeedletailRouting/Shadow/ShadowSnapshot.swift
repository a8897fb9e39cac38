/// What shadow traffic has shown: a value for the admin API.
public struct ShadowSnapshot: Sendable, Hashable {
    /// Counters since the start.
    public struct Counts: Sendable, Hashable {
        /// Copies that were sent.
        public var sent = 0
        /// Of them: compared with what the client got.
        public var compared = 0
        /// Of those compared: without a difference.
        public var alike = 0
        /// Of those compared: with this difference, perhaps among others.
        public var differences: [ShadowComparison.Difference: Int] = [:]
        /// Of those sent: cut short by a shutdown, or by a client that left.
        public var dropped = 0
        /// Not sent, because the minute's budget was used up.
        public var overBudget = 0
        /// Not sent, because too many were under way.
        public var busy = 0
    }

    /// What it belongs to: a group's or rule's name.
    public var name: String
    /// Where the copies go.
    public var destination: String
    /// Counters.
    public var counts: Counts
    /// Copies under way.
    public var running: Int
    /// The copy's latency by the original's: mean and 95 %.
    public var latencyRatio: ExperimentSnapshot.Measure
    /// The copy's text length by the original's.
    public var lengthRatio: ExperimentSnapshot.Measure
    /// The last comparisons, the oldest first.
    public var comparisons: [ShadowComparison]
}
