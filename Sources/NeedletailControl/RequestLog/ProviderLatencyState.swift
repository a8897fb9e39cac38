import NeedletailCore

/// How long the calls of the last hour took at each provider, by minute: what a heat map is drawn of. Pure, and of one size
/// for each provider, about 4 KiB.
struct ProviderLatencyState {
    /// The length of a column in seconds.
    static let step: Int64 = 60
    /// How many columns are kept: an hour.
    static let columns = 60
    /// The longest duration of each row but the last, which has the longer ones, in milliseconds.
    static let bounds: [Int64] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000]
    /// The rows: those of the calls that answered, and one of those that failed.
    static let rows = Self.bounds.count + 2
    /// How many providers are told apart; further ones are counted together.
    static let capacity = 100
    /// What further ones are counted as.
    static let other = ProviderID("other")

    /// One provider.
    struct Grid: Equatable {
        /// The minute that each column was counted in; -1 while it has not been.
        private var minutes = Array(repeating: Int64(-1), count: ProviderLatencyState.columns)
        private var counts = Array(
            repeating: UInt32(0), count: ProviderLatencyState.columns * ProviderLatencyState.rows)

        fileprivate mutating func add(_ row: Int, minute: Int64) {
            let column = Int(minute % Int64(ProviderLatencyState.columns))
            let start = column * ProviderLatencyState.rows
            if self.minutes[column] != minute {
                self.minutes[column] = minute
                for row in 0..<ProviderLatencyState.rows { self.counts[start + row] = 0 }
            }
            self.counts[start + row] &+= 1
        }

        fileprivate func column(_ minute: Int64) -> [Int] {
            let column = Int(max(0, minute) % Int64(ProviderLatencyState.columns))
            guard minute >= 0, self.minutes[column] == minute else {
                return Array(repeating: 0, count: ProviderLatencyState.rows)
            }
            let start = column * ProviderLatencyState.rows
            return self.counts[start..<start + ProviderLatencyState.rows].map(Int.init)
        }
    }

    private var grids: [ProviderID: Grid] = [:]

    private static func minute(_ now: Instant) -> Int64 { now.nanoseconds / (Self.step * 1_000_000_000) }

    /// The row of a duration.
    static func row(of duration: Duration) -> Int {
        let milliseconds = duration.wholeNanoseconds / 1_000_000
        return Self.bounds.firstIndex { milliseconds < $0 } ?? Self.bounds.count
    }

    /// Counts the calls of a request: those that were sent and did not end because nobody waited any more.
    mutating func count(_ attempts: [AttemptRecord], now: Instant) {
        for attempt in attempts where attempt.wasSent {
            let row: Int
            switch attempt.outcome.end {
            case .finished: row = Self.row(of: attempt.duration)
            case .failed: row = Self.rows - 1
            case .abandoned: continue
            }
            let minute = Self.minute(now)
            if let place = self.grids.index(forKey: attempt.provider) {
                self.grids.values[place].add(row, minute: minute)
            } else {
                let name = self.grids.count < Self.capacity ? attempt.provider : Self.other
                self.grids[name, default: Grid()].add(row, minute: minute)
            }
        }
    }

    /// The last minutes of each provider that had calls in them: columns, the oldest first, the one of now last, each with a
    /// count for every row.
    func last(_ minutes: Int, now: Instant) -> [(provider: ProviderID, columns: [[Int]])] {
        let newest = Self.minute(now)
        return self.grids.sorted { $0.key.rawValue < $1.key.rawValue }.compactMap { provider, grid in
            let columns = (0..<min(minutes, Self.columns)).reversed().map { grid.column(newest - Int64($0)) }
            return columns.contains { $0.contains { $0 > 0 } } ? (provider, columns) : nil
        }
    }
}
