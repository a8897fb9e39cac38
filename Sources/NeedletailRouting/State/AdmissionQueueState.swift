import NeedletailCore

/// Who waits for a place, and who is next: the highest priority first, within it each key in turn, within a key who came
/// first. Pure; bounded by the places that those who enter have (``WaitingClaims``).
struct AdmissionQueueState: Sendable {
    /// A place in the queue.
    struct Ticket: Sendable, Hashable {
        /// Which arrival it is.
        var number: UInt64
        var priority: RequestPriority
        var key: String
    }

    /// The waiting requests of one priority.
    private struct Level: Sendable {
        /// By key, in the order of arrival; no list is empty.
        var waiting: [String: [UInt64]] = [:]
        /// Whose turn it is, the next one first; each key of `waiting` once.
        var turns: [String] = []

        mutating func enter(_ number: UInt64, _ key: String) {
            if self.waiting[key] == nil { self.turns.append(key) }
            self.waiting[key, default: []].append(number)
        }

        /// Returns whether it was there.
        mutating func leave(_ number: UInt64, _ key: String, isServed: Bool) -> Bool {
            guard let place = self.waiting[key]?.firstIndex(of: number) else { return false }
            self.waiting[key]?.remove(at: place)
            let isEmpty = self.waiting[key]?.isEmpty ?? true
            if isEmpty { self.waiting[key] = nil }
            if isServed || isEmpty, let turn = self.turns.firstIndex(of: key) {
                self.turns.remove(at: turn)
                if !isEmpty { self.turns.append(key) }
            }
            return true
        }
    }

    private var levels: [RequestPriority: Level] = [:]
    private var number: UInt64 = 0
    /// How many wait.
    private(set) var count = 0

    /// How many wait with a priority of at least this one: all that a new request of it would have to let go first.
    func count(atLeast priority: RequestPriority) -> Int {
        self.levels.reduce(0) { sum, entry in
            entry.key >= priority ? entry.value.waiting.values.reduce(sum) { $0 + $1.count } : sum
        }
    }

    /// Takes a place.
    ///
    /// - Parameter number: Where several queues have places together, how many came to all of them before; it only grows.
    mutating func enter(key: String, priority: RequestPriority, number: UInt64? = nil) -> Ticket {
        self.count += 1
        self.number = max(number ?? 0, self.number + 1)
        self.levels[priority, default: Level()].enter(self.number, key)
        return Ticket(number: self.number, priority: priority, key: key)
    }

    /// Who is next; stays so until it leaves, or one of a higher priority comes.
    var head: Ticket? {
        for priority in RequestPriority.allCases.reversed() {
            guard let level = self.levels[priority], let key = level.turns.first,
                let number = level.waiting[key]?.first
            else { continue }
            return Ticket(number: number, priority: priority, key: key)
        }
        return nil
    }

    /// Gives a place up.
    ///
    /// - Parameter isServed: Whether it got what it waited for: then it is the next key's turn.
    mutating func leave(_ ticket: Ticket, isServed: Bool) {
        let (priority, key) = (ticket.priority, ticket.key)
        guard self.levels[priority]?.leave(ticket.number, key, isServed: isServed) == true else { return }
        self.count -= 1
        if self.levels[priority]?.turns.isEmpty == true { self.levels[priority] = nil }
    }
}
