import NeedletailCore

/// The last requests, by the numbers in which they ended.
struct RequestRing: Sendable {
    /// The number of the request that ended last; 0 before the first.
    private(set) var newest: UInt64
    private(set) var records: [RequestRecord] = []
    private var capacity: Int
    /// The number before the one that stands in the first place.
    private var origin: UInt64

    /// Creates an empty ring.
    ///
    /// - Parameters:
    ///   - capacity: How many are kept, at least 1.
    ///   - origin: The number of the last request before.
    init(capacity: Int, after origin: UInt64) {
        self.capacity = max(1, capacity)
        self.origin = origin
        self.newest = origin
    }

    /// How many are kept.
    var count: Int { self.records.count }
    /// The number of the oldest that is kept, or of the one that comes next.
    var oldest: UInt64 { self.newest - UInt64(self.records.count) + 1 }

    /// Where a number stands.
    private func place(_ number: UInt64) -> Int { Int((number - self.origin - 1) % UInt64(self.capacity)) }

    /// A request that is kept: from ``oldest`` to ``newest``.
    subscript(number: UInt64) -> RequestRecord { self.records[self.place(number)] }

    /// Takes a request in place of the oldest.
    ///
    /// - Returns: Its number.
    mutating func append(_ record: RequestRecord) -> UInt64 {
        self.newest += 1
        if self.records.count < self.capacity {
            self.records.append(record)
        } else {
            self.records[self.place(self.newest)] = record
        }
        return self.newest
    }

    /// Keeps more or fewer, at least 1. The newest stay, with their numbers.
    mutating func resize(_ capacity: Int) {
        let capacity = max(1, capacity)
        guard capacity != self.capacity else { return }
        let kept = UInt64(min(capacity, self.records.count))
        let first = self.newest - kept
        self.records = (0..<kept).map { self[first + $0 + 1] }
        self.origin = first
        self.capacity = capacity
    }

    /// Gives all that are kept other numbers: those that follow `number`.
    mutating func renumber(after number: UInt64) {
        self.records = (0..<UInt64(self.records.count)).map { self[self.oldest + $0] }
        self.origin = number
        self.newest = number + UInt64(self.records.count)
    }

    /// Puts other records in the place of those for which there is one.
    ///
    /// - Returns: How many there were.
    mutating func replace(_ other: (RequestRecord) -> RequestRecord?) -> Int {
        var count = 0
        for index in self.records.indices {
            guard let record = other(self.records[index]) else { continue }
            self.records[index] = record
            count += 1
        }
        return count
    }
}
