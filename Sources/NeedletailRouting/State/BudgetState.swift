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
        let id: ID
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
        /// Whether it is among those with something to book.
        var isDirty = false

        mutating func hold(_ amount: Int128, now: Int64) {
            self.free -= amount
            self.held += amount
            self.calls += 1
            self.touched = now
        }

        mutating func settle(_ amount: Int128, spent: Int128, now: Int64) {
            self.held -= amount
            self.calls -= 1
            self.free += amount - spent
            self.waiting += spent
            self.touched = now
            // What comes back may be what another call was refused for.
            self.refused = nil
        }

        mutating func grant(_ amount: Int128, now: Int64) {
            self.free += amount
            self.touched = now
            self.refused = nil
        }
    }

    /// What is held for one call.
    public struct Hold: Sendable {
        /// The places of the counts, which stay theirs as long as a call is under way.
        fileprivate var parts: [(place: Int, amount: Int128)]
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
    /// Every count has a place for as long as it lives, so that a call looks it up once.
    private var counts: [Count?] = []
    private var places: [ID: Int] = [:]
    private var freePlaces: [Int] = []
    /// What could not be booked, by slot.
    private var unbooked: [BudgetSlot: BudgetChange] = [:]
    /// Counts with something to book.
    private var dirty: [Int] = []
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
        let used = Set(self.places.keys.map(\.rule))
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
    public var count: Int { self.places.count }
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
        for (place, amount) in hold.parts { self.counts[place]?.hold(amount, now: now) }
        return decision
    }

    /// The place of a count; a new one's if there is none yet.
    private mutating func place(of id: ID, now: Int64) -> Int {
        if let place = self.places[id] { return place }
        let count = Count(id: id, touched: now)
        let place: Int
        if let free = self.freePlaces.popLast() {
            place = free
            self.counts[place] = count
        } else {
            place = self.counts.count
            self.counts.append(count)
        }
        self.places[id] = place
        return place
    }

    private mutating func remove(_ place: Int) {
        guard let count = self.counts[place] else { return }
        self.places[count.id] = nil
        self.counts[place] = nil
        self.freePlaces.append(place)
    }

    private mutating func markDirty(_ place: Int) {
        guard self.counts[place]?.isDirty == false else { return }
        self.counts[place]?.isDirty = true
        self.dirty.append(place)
    }

    /// What ``hold(_:money:tokens:now:)`` would decide, without holding anything.
    public mutating func lack(_ call: BudgetedCall, money: Int128, tokens: Int128, now: Int64) -> Decision {
        var parts: [(place: Int, amount: Int128)] = []
        var shortage = Shortage(ids: [], requests: [])
        var countsTokens = false
        for index in self.places(for: call) {
            let subjects = self.known[index].subjects(of: call)
            guard !subjects.isEmpty else { continue }
            let unit = self.known[index].unit
            let amount = max(0, unit == .money ? money : tokens)
            guard amount <= self.known[index].limit else {
                return .refused(BudgetRefusal(self.known[index], left: nil, needed: amount, now: now))
            }
            if self.known[index].window.period == .call { continue }
            if unit == .tokens { countsTokens = true }
            let start = self.start(of: index, now)
            for subject in subjects {
                let id = ID(rule: index, subject: subject, start: start)
                if let place = self.places[id], let free = self.counts[place]?.free, free >= amount {
                    parts.append((place, amount))
                    continue
                }
                let count = self.places[id].flatMap { self.counts[$0] }
                let free = count?.free ?? 0
                let rule = self.known[index]
                let least = amount - free
                if let refused = count?.refused, now < refused.until, least > refused.left {
                    return .refused(BudgetRefusal(rule, left: refused.left + free, needed: amount, now: now))
                }
                if count == nil, self.places.count >= Self.maximumCounts {
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
            let rule = self.known[id.rule]
            let place = self.place(of: id, now: now)
            self.counts[place]?.grant(block.amount, now: now)
            guard let count = self.counts[place] else { continue }
            // What others hold counts as spent here: it can no longer be had.
            let used = rule.limit - block.left - count.free - count.held
            let due = rule.warnings.dropFirst(count.warned).prefix { used * 1_000 >= rule.limit * Int128($0) }
            for _ in due { warnings.append(BudgetWarning(rule, subject: rule.name(of: id.subject), used: used)) }
            self.counts[place]?.warned += due.count
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
        let place = self.place(of: id, now: now)
        self.counts[place]?.refused = (left, now + 1)
        let free = self.counts[place]?.free ?? 0
        return BudgetRefusal(
            self.known[id.rule], left: left + free, needed: shortage.requests[index].least + free, now: now)
    }

    /// Ends a hold with what the call turned out to cost. Called once for each hold.
    public mutating func settle(_ hold: Hold, money: Int128, tokens: Int128, now: Int64) -> Settlement {
        var settlement = Settlement()
        for (place, amount) in hold.parts {
            guard let rule = self.counts[place]?.id.rule else { continue }
            let spent = max(0, self.known[rule].unit == .money ? money : tokens)
            if spent > amount { settlement.isOverHold = true }
            self.counts[place]?.settle(amount, spent: spent, now: now)
            self.markDirty(place)
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
            for place in self.counts.indices {
                guard let count = self.counts[place], count.calls == 0 else { continue }
                let isOver = self.start(of: count.id.rule, now) != count.id.start
                if isClosing || isOver || count.touched + Self.idleSeconds <= now { self.markDirty(place) }
            }
        }
        var changes = Array(self.unbooked.values)
        self.unbooked.removeAll()
        for place in self.dirty {
            guard var count = self.counts[place] else { continue }
            let id = count.id
            let rule = self.known[id.rule]
            // More was spent than had been granted: the authority hears of it as spent, and it was never leased.
            let overdraft = min(0, count.free)
            var change = BudgetChange(
                slot: BudgetSlot(counter: rule.counter(id.subject), start: id.start), spent: count.waiting,
                leased: -(count.waiting + overdraft))
            count.waiting = 0
            count.free -= overdraft
            count.isDirty = false
            let isDone =
                count.calls == 0
                && (isClosing || self.start(of: id.rule, now) != id.start || count.touched + Self.idleSeconds <= now)
            if isDone {
                change.leased -= count.free
                self.remove(place)
            } else {
                self.counts[place] = count
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
        for case let count? in self.counts where self.known[count.id.rule].counter(count.id.subject) == counter {
            sum.held += count.held
            sum.free += count.free
            sum.waiting += count.waiting
        }
        return sum
    }
}
