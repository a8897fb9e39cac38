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
    ///
    /// - Parameter number: Where several queues have places together, how many came to all of them before; it only grows.
    mutating func enter(key: String, priority: RequestPriority, number: UInt64? = nil) -> Ticket? {
        guard self.count < self.capacity else { return nil }
        self.count += 1
        self.number = max(number ?? 0, self.number + 1)
        var level = self.levels[priority] ?? Level()
        if level.waiting[key] == nil { level.turns.append(key) }
        level.waiting[key, default: []].append(self.number)
        self.levels[priority] = level
        return Ticket(number: self.number, priority: priority, key: key)
    }

    /// Who gives its place up to a newcomer when queues that have places together have none left: of the lowest priority
    /// below the newcomer's, the last one of the key that waits most in all of them; else the same of the newcomer's own
    /// priority, where that key still waits no less than the newcomer's afterwards. `nil` where nobody has less claim.
    ///
    /// - Returns: Who, and in which of the queues.
    static func loser(
        among queues: [Self], to key: String, _ priority: RequestPriority
    ) -> (queue: Int, ticket: Ticket)? {
        for lower in RequestPriority.allCases where lower < priority {
            if let most = Self.most(lower, among: queues) { return (most.queue, most.ticket) }
        }
        guard let most = Self.most(priority, among: queues),
            most.count >= queues.reduce(2, { $0 + ($1.levels[priority]?.waiting[key]?.count ?? 0) })
        else { return nil }
        return (most.queue, most.ticket)
    }

    /// What a key has waiting in several queues: how many, and the last of them.
    private struct Share {
        var count: Int
        var queue: Int
        var ticket: Ticket
    }

    /// The key that has most waiting, of several the one whose last came last; `nil` where nobody waits.
    private static func most(_ priority: RequestPriority, among queues: [Self]) -> Share? {
        var shares: [String: Share] = [:]
        for (index, queue) in queues.enumerated() {
            for (key, numbers) in queue.levels[priority]?.waiting ?? [:] {
                guard let number = numbers.last else { continue }
                let own = Share(
                    count: numbers.count, queue: index, ticket: Ticket(number: number, priority: priority, key: key))
                guard let known = shares[key] else {
                    shares[key] = own
                    continue
                }
                var sum = known.ticket.number < number ? own : known
                sum.count = known.count + own.count
                shares[key] = sum
            }
        }
        // The key decides nothing but that the order of the dictionary does not.
        return shares.values.max {
            ($0.count, $0.ticket.number, $0.ticket.key) < ($1.count, $1.ticket.number, $1.ticket.key)
        }
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
