public import NeedletailCore

/// All budgets' counts in this process. Pure.
///
/// A count has a block that the authority granted (``BudgetAuthority``): a free part, and holds carved from it, one for each
/// call under way. A call is held in every budget of its chain or in none. What a call turned out to cost moves from its hold
/// to what waits to be booked; the rest of the hold is free again. So at any instant
///
///     booked + waiting + held + free ≤ granted in all ≤ limit
///
/// but for calls that cost more than was held (``Settlement/isOverHold``), which are booked in full.
public struct BudgetState: Sendable {
    /// More counts than this at a time are refused: each costs memory, and names may come from clients.
    public static let maximumCounts = 262_144
    /// An unused block goes back after so many seconds.
    static let idleSeconds: Int64 = 60

    /// One count of one rule.
    struct ID: Hashable {
        var rule: Int
        var subject: String
        var start: Int64
    }

    private struct Count {
        var free: Int128 = 0
        var held: Int128 = 0
        /// Calls under way.
        var calls = 0
        /// Spent, and not yet booked.
        var waiting: Int128 = 0
        var touched: Int64
        /// What the authority had left when it last refused, and until when that is taken to hold.
        var refused: (left: Int128, until: Int64)?
        var warned = 0
    }

    /// What is held for one call.
    public struct Hold: Sendable {
        fileprivate var parts: [(id: ID, amount: Int128)]
        /// Whether any of the budgets counts tokens.
        let countsTokens: Bool
    }

    /// What became of a wish to hold.
    public enum Decision: Sendable {
        /// It is held.
        case held(Hold)
        /// Blocks are needed first; then ask again.
        case short(Shortage)
        /// A budget is spent.
        case refused(BudgetRefusal)
    }

    /// Blocks that are needed.
    public struct Shortage: Sendable {
        fileprivate var ids: [ID]
        /// What to ask the authority for.
        public fileprivate(set) var requests: [BudgetGrantRequest]
    }

    /// What a settled call leaves to be said.
    public struct Settlement: Sendable, Hashable {
        /// Whether it cost more than was held.
        public var isOverHold = false
    }

    /// The rules that hold, and those that held and still have counts; counts name them by their place.
    private var known: [BudgetRule] = []
    /// The places of those that hold, in the order in which they are looked at.
    private var active: [Int] = []
    /// Of these, those that are for more than one key.
    private var common: [Int] = []
    /// These and those for one key alone, by that key: there may be thousands, of which a call looks at its own only.
    private var individual: [String: [Int]] = [:]
    private var counts: [ID: Count] = [:]
    /// What could not be booked, by slot.
    private var unbooked: [BudgetSlot: BudgetChange] = [:]
    /// Counts with something to book.
    private var dirty: Set<ID> = []
    private var lastSweep: Int64 = 0
    /// The slot that each rule was last found in, since calendars are slow.
    private var slots: [Range<Int64>] = []

    /// Creates the state of a process that has spent nothing.
    public init(_ rules: [BudgetRule]) {
        self.replace(rules)
    }

    /// The rules that hold.
    public var rules: [BudgetRule] { self.active.map { self.known[$0] } }

    /// Lets other rules hold. One of the same name that counts the same in the same stretches goes on with its counts, under
    /// its new limit; what is held under the others is settled as it was begun.
    public mutating func replace(_ rules: [BudgetRule]) {
        let places = Dictionary(grouping: self.known.indices, by: { self.known[$0].account })
        // Whoever still has counts keeps the place until they are booked.
        let used = Set(self.counts.keys.map(\.rule))
        var given: Set<Int> = []
        let goingOn = rules.map { rule in
            places[rule.account]?.first { self.known[$0].counts(like: rule) && given.insert($0).inserted }
        }
        let taken = used.union(goingOn.compactMap(\.self))
        var free = self.known.indices.filter { !taken.contains($0) }
        self.active = zip(rules, goingOn).map { rule, place in
            if let place = place ?? free.popLast() {
                self.known[place] = rule
                self.slots[place] = 0..<0
                return place
            }
            self.known.append(rule)
            self.slots.append(0..<0)
            return self.known.count - 1
        }
        self.common = self.active.filter { self.known[$0].onlyKey == nil }
        let order = Dictionary(self.active.enumerated().map { ($1, $0) }) { first, _ in first }
        self.individual = Dictionary(
            grouping: self.active.filter { self.known[$0].onlyKey != nil }, by: { self.known[$0].onlyKey ?? "" }
        ).mapValues { own in (self.common + own).sorted { order[$0, default: 0] < order[$1, default: 0] } }
    }

    /// The places of the rules that may be for a call, in the order in which they are looked at.
    private func places(for call: BudgetedCall) -> [Int] {
        call.key.flatMap { self.individual[$0] } ?? self.common
    }

    private mutating func start(of rule: Int, _ now: Int64) -> Int64 {
        if self.slots[rule].contains(now) { return self.slots[rule].lowerBound }
        let window = self.known[rule].window
        let start = window.start(at: now)
        // A calendar that goes back would make an empty range.
        self.slots[rule] = start..<max(start, window.next(after: start) ?? .max)
        return start
    }

    /// Counts that are kept.
    public var count: Int { self.counts.count }
    /// Rules that are kept.
    var knownCount: Int { self.known.count }

    /// Whether any budget counts money, for calls like this one.
    public func countsMoney(_ call: BudgetedCall) -> Bool {
        self.places(for: call).contains { self.known[$0].unit == .money && !self.known[$0].subjects(of: call).isEmpty }
    }

    /// Holds the most that a call can cost, in every budget of its chain or in none.
    ///
    /// - Parameters:
    ///   - money: In pico-dollars.
    ///   - now: Seconds since 1970.
    public mutating func hold(_ call: BudgetedCall, money: Int128, tokens: Int128, now: Int64) -> Decision {
        let decision = self.lack(call, money: money, tokens: tokens, now: now)
        guard case .held(let hold) = decision else { return decision }
        for (id, amount) in hold.parts {
            self.counts[id]?.free -= amount
            self.counts[id]?.held += amount
            self.counts[id]?.calls += 1
            self.counts[id]?.touched = now
        }
        return decision
    }

    /// What ``hold(_:money:tokens:now:)`` would decide, without holding anything.
    public mutating func lack(_ call: BudgetedCall, money: Int128, tokens: Int128, now: Int64) -> Decision {
        var parts: [(id: ID, amount: Int128)] = []
        var shortage = Shortage(ids: [], requests: [])
        var countsTokens = false
        for index in self.places(for: call) {
            let rule = self.known[index]
            let subjects = rule.subjects(of: call)
            guard !subjects.isEmpty else { continue }
            let amount = max(0, rule.unit == .money ? money : tokens)
            guard amount <= rule.limit else {
                return .refused(BudgetRefusal(rule, left: nil, needed: amount, now: now))
            }
            if rule.window.period == .call { continue }
            if rule.unit == .tokens { countsTokens = true }
            let start = self.start(of: index, now)
            for subject in subjects {
                let id = ID(rule: index, subject: subject, start: start)
                let count = self.counts[id]
                parts.append((id, amount))
                let free = count?.free ?? 0
                guard free < amount || amount == 0 && count == nil else { continue }
                let least = amount - free
                if let refused = count?.refused, now < refused.until, least > refused.left {
                    return .refused(BudgetRefusal(rule, left: refused.left + free, needed: amount, now: now))
                }
                if count == nil, self.counts.count >= Self.maximumCounts {
                    return .refused(BudgetRefusal(rule, left: nil, needed: amount, now: now))
                }
                shortage.ids.append(id)
                shortage.requests.append(
                    BudgetGrantRequest(
                        slot: BudgetSlot(counter: rule.counter(subject), start: id.start),
                        since: rule.window.since(at: now), limit: rule.limit, least: least,
                        preferred: max(least, rule.block)))
            }
        }
        return shortage.requests.isEmpty ? .held(Hold(parts: parts, countsTokens: countsTokens)) : .short(shortage)
    }

    /// Takes over what the authority granted.
    ///
    /// - Returns: The warnings that it shows to be due.
    public mutating func granted(_ shortage: Shortage, _ blocks: [BudgetBlock], now: Int64) -> [BudgetWarning] {
        var warnings: [BudgetWarning] = []
        for ((id, request), block) in zip(zip(shortage.ids, shortage.requests), blocks) {
            guard self.isStill(id, for: request) else {
                self.putBack([BudgetChange(slot: request.slot, spent: 0, leased: -block.amount)])
                continue
            }
            var count = self.counts[id] ?? Count(touched: now)
            count.free += block.amount
            count.touched = now
            count.refused = nil
            let rule = self.known[id.rule]
            // What others hold counts as spent here: it can no longer be had.
            let used = rule.limit - block.left - count.free - count.held
            while count.warned < rule.warnings.count, used * 1_000 >= rule.limit * Int128(rule.warnings[count.warned]) {
                warnings.append(BudgetWarning(rule, subject: id.subject, used: used))
                count.warned += 1
            }
            self.counts[id] = count
        }
        return warnings
    }

    /// Whether a place is still that of the rule for which the authority was asked: other rules may hold by now.
    private func isStill(_ id: ID, for request: BudgetGrantRequest) -> Bool {
        self.known[id.rule].counter(id.subject) == request.slot.counter
    }

    /// Takes note that the authority has too little.
    public mutating func refused(
        _ shortage: Shortage, at index: Int, left: Int128, now: Int64
    ) -> BudgetRefusal? {
        guard shortage.ids.indices.contains(index), self.isStill(shortage.ids[index], for: shortage.requests[index])
        else { return nil }
        let id = shortage.ids[index]
        var count = self.counts[id] ?? Count(touched: now)
        count.refused = (left, now + 1)
        self.counts[id] = count
        let rule = self.known[id.rule]
        return BudgetRefusal(
            rule, left: left + count.free, needed: shortage.requests[index].least + count.free, now: now)
    }

    /// Ends a hold with what the call turned out to cost. Called once for each hold.
    public mutating func settle(_ hold: Hold, money: Int128, tokens: Int128, now: Int64) -> Settlement {
        var settlement = Settlement()
        for (id, amount) in hold.parts {
            guard var count = self.counts[id] else { continue }
            let spent = max(0, self.known[id.rule].unit == .money ? money : tokens)
            if spent > amount { settlement.isOverHold = true }
            count.held -= amount
            count.calls -= 1
            count.free += amount - spent
            count.waiting += spent
            count.touched = now
            // What comes back may be what another call was refused for.
            count.refused = nil
            self.counts[id] = count
            self.dirty.insert(id)
        }
        return settlement
    }

    /// Takes what is to be booked, and the blocks that are no longer needed: of stretches that are over, and of counts that
    /// nobody has touched for a while.
    ///
    /// - Parameter isClosing: Gives all free parts back.
    public mutating func takeChanges(now: Int64, isClosing: Bool = false) -> [BudgetChange] {
        if isClosing || now >= self.lastSweep + 1 {
            self.lastSweep = now
            for (id, count) in self.counts where count.calls == 0 {
                let isOver = self.start(of: id.rule, now) != id.start
                if isClosing || isOver || count.touched + Self.idleSeconds <= now { self.dirty.insert(id) }
            }
        }
        var changes = Array(self.unbooked.values)
        self.unbooked.removeAll()
        for id in self.dirty {
            guard var count = self.counts[id] else { continue }
            let rule = self.known[id.rule]
            // More was spent than had been granted: the authority hears of it as spent, and it was never leased.
            let overdraft = min(0, count.free)
            var change = BudgetChange(
                slot: BudgetSlot(counter: rule.counter(id.subject), start: id.start), spent: count.waiting,
                leased: -(count.waiting + overdraft))
            count.waiting = 0
            count.free -= overdraft
            let isDone =
                count.calls == 0
                && (isClosing || self.start(of: id.rule, now) != id.start || count.touched + Self.idleSeconds <= now)
            if isDone {
                change.leased -= count.free
                self.counts[id] = nil
            } else {
                self.counts[id] = count
            }
            if change.spent != 0 || change.leased != 0 { changes.append(change) }
        }
        self.dirty.removeAll(keepingCapacity: true)
        return changes
    }

    /// Puts back what could not be booked; it is taken again with the next changes.
    public mutating func putBack(_ changes: [BudgetChange]) {
        for change in changes {
            var sum = self.unbooked[change.slot] ?? BudgetChange(slot: change.slot, spent: 0, leased: 0)
            sum.spent += change.spent
            sum.leased += change.leased
            self.unbooked[change.slot] = sum
        }
    }

    /// What is held, free and not yet booked of a counter, over all its slots.
    public func outstanding(_ counter: String) -> (held: Int128, free: Int128, waiting: Int128) {
        var sum: (held: Int128, free: Int128, waiting: Int128) = (0, 0, 0)
        for (id, count) in self.counts where self.known[id.rule].counter(id.subject) == counter {
            sum.held += count.held
            sum.free += count.free
            sum.waiting += count.waiting
        }
        return sum
    }
}
