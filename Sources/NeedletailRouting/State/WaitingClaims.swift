import NeedletailCore

/// Who has the places in which the requests of one group wait, whichever of its queues each stands in, and who loses one to
/// whom when all are taken. Pure; bounded. Taking and leaving a place cost the logarithm of the keys that wait.
struct WaitingClaims<Queue: Sendable>: Sendable {
    /// A place that somebody has got.
    struct Taken: Sendable {
        /// Which arrival this is, counted over all queues.
        var number: UInt64
        /// Who had it and has lost it; `nil` where it was free.
        var loser: (queue: Queue, ticket: AdmissionQueueState.Ticket)?
    }

    /// What a key has waiting in all queues, in the order of arrival; never empty.
    private struct Share: Sendable {
        var key: String
        var places: [(number: UInt64, queue: Queue)]

        /// By how many wait, of as many by whose last came last: what is least gives way last.
        var claim: (Int, UInt64) { (self.places.count, self.places.last?.number ?? 0) }
    }

    /// The keys that wait with one priority: a heap whose first has the most.
    private struct Level: Sendable {
        private var shares: [Share] = []
        private var positions: [String: Int] = [:]

        var most: Share? { self.shares.first }

        func count(of key: String) -> Int { self.positions[key].map { self.shares[$0].places.count } ?? 0 }

        mutating func add(_ number: UInt64, _ queue: Queue, for key: String) {
            let position = self.positions[key] ?? self.shares.count
            if position == self.shares.count {
                self.shares.append(Share(key: key, places: []))
                self.positions[key] = position
            }
            self.shares[position].places.append((number, queue))
            self.rise(position)
        }

        /// Returns whether it was there.
        mutating func remove(_ number: UInt64, of key: String) -> Bool {
            guard let position = self.positions[key],
                let place = Self.index(of: number, in: self.shares[position].places)
            else { return false }
            self.shares[position].places.remove(at: place)
            if !self.shares[position].places.isEmpty {
                self.sink(position)
            } else {
                let last = self.shares.count - 1
                self.exchange(position, last)
                self.shares.removeLast()
                self.positions[key] = nil
                if position < last { self.sink(self.rise(position)) }
            }
            return true
        }

        private static func index(of number: UInt64, in places: [(number: UInt64, queue: Queue)]) -> Int? {
            var (low, high) = (0, places.count)
            while low < high {
                let middle = (low + high) / 2
                if places[middle].number < number { low = middle + 1 } else { high = middle }
            }
            return low < places.count && places[low].number == number ? low : nil
        }

        @discardableResult
        private mutating func rise(_ start: Int) -> Int {
            var position = start
            while position > 0, self.shares[(position - 1) / 2].claim < self.shares[position].claim {
                self.exchange(position, (position - 1) / 2)
                position = (position - 1) / 2
            }
            return position
        }

        private mutating func sink(_ start: Int) {
            var position = start
            while true {
                var most = position
                for child in [2 * position + 1, 2 * position + 2]
                where child < self.shares.count && self.shares[most].claim < self.shares[child].claim { most = child }
                guard most != position else { return }
                self.exchange(position, most)
                position = most
            }
        }

        private mutating func exchange(_ first: Int, _ second: Int) {
            guard first != second else { return }
            self.shares.swapAt(first, second)
            self.positions[self.shares[first].key] = first
            self.positions[self.shares[second].key] = second
        }
    }

    /// How many places there are.
    let capacity: Int
    /// How many are taken.
    private(set) var count = 0
    private var levels: [RequestPriority: Level] = [:]
    private var arrivals: UInt64 = 0

    init(capacity: Int) {
        self.capacity = max(0, capacity)
    }

    /// Takes a place, of those that are free or from one who has less claim.
    ///
    /// - Returns: `nil` where there is none.
    mutating func take(for key: String, _ priority: RequestPriority, in queue: Queue) -> Taken? {
        var taken = Taken(number: self.arrivals + 1)
        if self.count >= self.capacity {
            guard let loser = self.loser(to: key, priority) else { return nil }
            guard self.leave(loser.ticket) else { return nil }
            taken.loser = loser
        }
        self.arrivals += 1
        self.count += 1
        self.levels[priority, default: Level()].add(taken.number, queue, for: key)
        return taken
    }

    /// Gives a place back.
    ///
    /// - Returns: Whether it was still the ticket's, and not another's already.
    @discardableResult
    mutating func leave(_ ticket: AdmissionQueueState.Ticket) -> Bool {
        guard self.levels[ticket.priority]?.remove(ticket.number, of: ticket.key) == true else { return false }
        self.count -= 1
        return true
    }

    /// Who gives its place up to a newcomer: of the lowest priority below the newcomer's, the last one of the key that waits
    /// most; else the same of the newcomer's own priority, where that key still waits no less than the newcomer's
    /// afterwards. `nil` where nobody has less claim.
    private func loser(
        to key: String, _ priority: RequestPriority
    ) -> (queue: Queue, ticket: AdmissionQueueState.Ticket)? {
        for lower in RequestPriority.allCases where lower < priority {
            if let most = self.levels[lower]?.most { return Self.last(of: most, lower) }
        }
        guard let level = self.levels[priority], let most = level.most,
            most.places.count >= level.count(of: key) + 2
        else { return nil }
        return Self.last(of: most, priority)
    }

    private static func last(
        of share: Share, _ priority: RequestPriority
    ) -> (queue: Queue, ticket: AdmissionQueueState.Ticket)? {
        share.places.last.map { place in
            (place.queue, AdmissionQueueState.Ticket(number: place.number, priority: priority, key: share.key))
        }
    }
}
