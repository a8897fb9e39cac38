import NeedletailCore
import Testing

@testable import NeedletailRouting

/// Spent plus held never exceeds the limit, whatever happens: calls of every size that end in any order, retries and hedges
/// beside each other, blocks that run out, several processes over one authority, crashes that lose all that was not booked,
/// and windows that turn meanwhile. What was really spent is counted apart.
@Suite("Budget theorem")
struct BudgetTheoremTests {
    struct Call {
        var hold: BudgetState.Hold
        var process: Int
        var facts: BudgetedCall
        var begun: Int64
        var bound: Int128
        var actual: Int128
    }

    struct World {
        let rules: [BudgetRule]
        let authority = MemoryBudgets()
        var processes: [BudgetState]
        var calls: [Call] = []
        /// What providers really billed: when it was begun, for whom, how much.
        var billed: [(at: Int64, call: BudgetedCall, amount: Int128)] = []
        var now: Int64 = 1_794_787_200
        let random: RandomSource

        init(seed: UInt64) {
            self.random = RandomSource.seeded(seed)
            func pick(_ count: UInt64, _ random: RandomSource) -> Int { Int(random.next() % count) }
            let periods: [BudgetWindow.Period] = [.minute, .hour, .day, .total]
            var rules: [BudgetRule] = []
            for index in 0..<(1 + pick(3, self.random)) {
                rules.append(
                    BudgetRule(
                        name: "b\(index)",
                        scope: pick(2, self.random) == 0 ? [] : [(.key, ModelGlob("k0"))],
                        each: [nil, .key, .provider][pick(3, self.random)],
                        limit: Int128(1 + pick(5_000, self.random)),
                        window: BudgetWindow(periods[pick(4, self.random)], isRolling: pick(2, self.random) == 0)))
            }
            self.rules = rules
            self.processes = (0..<(1 + pick(2, self.random))).map { _ in BudgetState(rules) }
        }

        func pick(_ count: UInt64) -> Int { Int(self.random.next() % count) }

        mutating func step() throws {
            switch self.pick(20) {
            case 0..<9: try self.begin()
            case 9..<15: self.end()
            case 15, 16: try self.flush(self.pick(UInt64(self.processes.count)))
            case 17: self.now += Int64(self.pick(4_000))
            case 18: self.now += Int64(self.pick(3))
            default: self.crash(self.pick(UInt64(self.processes.count)))
            }
        }

        mutating func begin() throws {
            let process = self.pick(UInt64(self.processes.count))
            let facts = BudgetedCall(key: "k\(self.pick(2))", provider: "p\(self.pick(2))", model: "m")
            let bound = Int128(self.pick(600))
            for _ in 0..<8 {
                switch self.processes[process].hold(facts, money: bound, tokens: 0, now: self.now) {
                case .held(let hold):
                    self.calls.append(
                        Call(
                            hold: hold, process: process, facts: facts, begun: self.now, bound: bound,
                            actual: Int128(self.random.next() % UInt64(bound + 1))))
                    return
                case .refused: return
                case .short(let shortage):
                    switch try self.authority.grant(shortage.requests) {
                    case .granted(let blocks):
                        _ = self.processes[process].granted(shortage, blocks, now: self.now)
                    case .refused(let index, let left):
                        #expect(self.processes[process].refused(shortage, at: index, left: left, now: self.now) != nil)
                        return
                    }
                }
            }
            Issue.record("a call is neither held nor refused")
        }

        mutating func end() {
            guard !self.calls.isEmpty else { return }
            let call = self.calls.remove(at: self.pick(UInt64(self.calls.count)))
            self.billed.append((call.begun, call.facts, call.actual))
            let settlement = self.processes[call.process].settle(
                call.hold, money: call.actual, tokens: 0, now: self.now)
            #expect(!settlement.isOverHold)
        }

        mutating func flush(_ process: Int) throws {
            let changes = self.processes[process].takeChanges(now: self.now)
            // The store is away now and then.
            if self.pick(4) == 0 { self.processes[process].putBack(changes) } else { try self.authority.book(changes) }
        }

        /// The process is killed: its state is gone, and what it had under way is billed all the same.
        mutating func crash(_ process: Int) {
            for call in self.calls where call.process == process {
                self.billed.append((call.begun, call.facts, call.actual))
            }
            self.calls.removeAll { $0.process == process }
            self.processes[process] = BudgetState(self.rules)
        }

        /// The largest sum of what was billed and what is held in any window of a rule, less its limit.
        func excess(_ rule: BudgetRule) -> Int128 {
            var entries = self.billed.map { (at: $0.at, call: $0.call, amount: $0.amount) }
            entries += self.calls.map { ($0.begun, $0.facts, $0.bound) }
            var worst = -rule.limit
            let subjects = Set(entries.flatMap { rule.subjects(of: $0.call) })
            for subject in subjects {
                let own = entries.filter { rule.subjects(of: $0.call).contains(subject) }
                for last in own {
                    let from =
                        rule.window.isRolling
                        ? last.at - rule.window.period.seconds + 1 : rule.window.start(at: last.at)
                    let sum = own.reduce(Int128(0)) { $0 + ($1.at >= from && $1.at <= last.at ? $1.amount : 0) }
                    worst = max(worst, sum - rule.limit)
                }
                if !rule.window.isRolling {
                    for start in Set(own.map { rule.window.start(at: $0.at) }) {
                        let sum = own.reduce(Int128(0)) { $0 + (rule.window.start(at: $1.at) == start ? $1.amount : 0) }
                        worst = max(worst, sum - rule.limit)
                    }
                }
            }
            return worst
        }
    }

    @Test("Over 10,000 seeds nothing is overspent, and at rest nothing is held", arguments: 0..<10)
    func theorem(block: UInt64) throws {
        for seed in (block * 1_000)..<((block + 1) * 1_000) {
            var world = World(seed: seed)
            for _ in 0..<40 { try world.step() }
            for rule in world.rules { #expect(world.excess(rule) <= 0, "seed \(seed)") }
            while !world.calls.isEmpty { world.end() }
            for index in world.processes.indices {
                for rule in world.rules {
                    for subject in ["", "k0", "k1", "p0", "p1"] {
                        #expect(world.processes[index].outstanding(rule.counter(subject)).held == 0, "seed \(seed)")
                    }
                }
                try world.authority.book(world.processes[index].takeChanges(now: world.now, isClosing: true))
                #expect(world.processes[index].count == 0, "seed \(seed)")
            }
            // What is booked and what crashes have taken away is never below what was billed.
            let counted = world.authority.all().reduce(Int128(0)) { $0 + $1.spent + $1.leased }
            let billed = world.rules.reduce(Int128(0)) { sum, rule in
                sum + world.billed.reduce(0) { $0 + $1.amount * Int128(rule.subjects(of: $1.call).count) }
            }
            #expect(counted >= billed || world.rules.contains { $0.window.period != .total }, "seed \(seed)")
        }
    }
}
