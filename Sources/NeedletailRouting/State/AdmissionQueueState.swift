import NeedletailCore

/// Who waits for a place, and who is next: the highest priority first, within it each key in turn, within a key who came
/// first. Pure; bounded.
struct AdmissionQueueState: Sendable {
    /// A place in the queue.
    struct Ticket: Sendable, Hashable {
        fileprivate var number: UInt64
        fileprivate var priority: RequestPriority
        fileprivate var key: String
    }

    /// The waiting requests of one priority.
    private struct Level: Sendable {
        /// By key, in the order of arrival; no list is empty.
        var waiting: [String: [UInt64]] = [:]
        /// Whose turn it is, the next one first; each key of `waiting` once.
        var turns: [String] = []
    }

    /// The most that may wait.
    let capacity: Int
    private var levels: [RequestPriority: Level] = [:]
    private var number: UInt64 = 0
    /// How many wait.
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(0, capacity)
    }

    /// How many wait with a priority of at least this one: all that a new request of it would have to let go first.
    func count(atLeast priority: RequestPriority) -> Int {
        self.levels.reduce(0) { sum, entry in
            entry.key >= priority ? entry.value.waiting.values.reduce(sum) { $0 + $1.count } : sum
        }
    }

    /// Takes a place; `nil` when the queue is full.
    mutating func enter(key: String, priority: RequestPriority) -> Ticket? {
        guard self.count < self.capacity else { return nil }
        self.count += 1
        self.number += 1
        var level = self.levels[priority] ?? Level()
        if level.waiting[key] == nil { level.turns.append(key) }
        level.waiting[key, default: []].append(self.number)
        self.levels[priority] = level
        return Ticket(number: self.number, priority: priority, key: key)
    }

    /// Who gives its place up to a newcomer when all are taken: the last one of a lower priority; else, of the newcomer's own,
    /// the last one of the key that waits most, where that still waits no less than the newcomer's afterwards. `nil` where
    /// nobody has less claim.
    func loser(to key: String, _ priority: RequestPriority) -> Ticket? {
        for lower in RequestPriority.allCases where lower < priority {
            if let (ticket, _) = self.last(lower) { return ticket }
        }
        guard let (ticket, count) = self.last(priority),
            count >= (self.levels[priority]?.waiting[key]?.count ?? 0) + 2
        else { return nil }
        return ticket
    }

    /// The last one of the key that has most waiting, and how many that has; `nil` where nobody waits.
    private func last(_ priority: RequestPriority) -> (ticket: Ticket, count: Int)? {
        guard let level = self.levels[priority] else { return nil }
        var most: (ticket: Ticket, count: Int)?
        for key in level.turns {
            guard let numbers = level.waiting[key], let number = numbers.last, numbers.count > most?.count ?? 0 else {
                continue
            }
            most = (Ticket(number: number, priority: priority, key: key), numbers.count)
        }
        return most
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
        guard var level = self.levels[ticket.priority], var numbers = level.waiting[ticket.key],
            let place = numbers.firstIndex(of: ticket.number)
        else { return }
        self.count -= 1
        numbers.remove(at: place)
        level.waiting[ticket.key] = numbers.isEmpty ? nil : numbers
        if isServed || numbers.isEmpty, let turn = level.turns.firstIndex(of: ticket.key) {
            level.turns.remove(at: turn)
            if !numbers.isEmpty { level.turns.append(ticket.key) }
        }
        self.levels[ticket.priority] = level.turns.isEmpty ? nil : level
    }
}
