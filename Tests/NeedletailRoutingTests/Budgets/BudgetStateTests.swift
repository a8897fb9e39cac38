import Logging
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Budgets")
struct BudgetStateTests {
    static let call = BudgetedCall(key: "dev", provider: "main", model: "m")

    private static func keeper(
        _ rules: [BudgetRule], _ authority: any BudgetAuthority = MemoryBudgets(), _ time: JumpingTime = JumpingTime()
    ) -> BudgetKeeper {
        BudgetKeeper(
            rules, authority: authority, time: time.source, logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    @Test("A call is held in every budget of its chain or in none")
    func chain() async throws {
        let keeper = Self.keeper([
            BudgetRule(name: "all", limit: 100, window: BudgetWindow(.total)),
            BudgetRule(name: "dev", scope: [(.key, ModelGlob("dev"))], limit: 10, window: BudgetWindow(.total)),
            BudgetRule(name: "other", scope: [(.key, ModelGlob("x*"))], limit: 1, window: BudgetWindow(.total)),
        ])
        let hold = try await keeper.hold(Self.call, money: 8, tokens: 0)
        await #expect(throws: NeedletailError.self) { try await keeper.hold(Self.call, money: 3, tokens: 0) }
        #expect(keeper.outstanding("all").held == 8)
        #expect(keeper.outstanding("dev").held == 8)
        #expect(keeper.settle(hold, money: 5, tokens: 0) == false)
        _ = try await keeper.hold(Self.call, money: 5, tokens: 0)
        await #expect(throws: NeedletailError.self) { try await keeper.hold(Self.call, money: 1, tokens: 0) }
    }

    @Test("Of thousands of keys' budgets a call is held in its own, and those of keys that are gone are forgotten")
    func keys() throws {
        func rule(_ name: String, limit: Int128) -> BudgetRule {
            BudgetRule(
                name: "key \(name)", scope: [(.key, ModelGlob(name))], limit: limit, window: BudgetWindow(.total))
        }
        let all = BudgetRule(name: "all", limit: 1_000, window: BudgetWindow(.total))
        var state = BudgetState([all])
        for round in 0..<20 {
            state.replace([all] + (0..<50).map { rule("dev-\(round)-\($0)", limit: 10) } + [rule("dev", limit: 20)])
        }
        #expect(state.knownCount == 52)
        guard case .short(let shortage) = state.hold(Self.call, money: 5, tokens: 0, now: 0) else {
            Issue.record("nothing was granted yet")
            return
        }
        #expect(shortage.requests.map(\.slot.counter) == ["all", "key dev"])
        _ = state.granted(shortage, shortage.requests.map { BudgetBlock(amount: $0.least, left: 0) }, now: 0)
        guard case .held(let hold) = state.hold(Self.call, money: 5, tokens: 0, now: 0) else {
            Issue.record("it was granted")
            return
        }
        // A key that is gone while a call runs: its place is kept until all is booked.
        state.replace([rule("new", limit: 1)])
        _ = state.settle(hold, money: 4, tokens: 0, now: 0)
        let changes = state.takeChanges(now: 100)
        #expect(changes.map(\.slot.counter).sorted() == ["all", "key dev"] && changes.allSatisfy { $0.spent == 4 })
        state.replace([all, rule("dev", limit: 3), rule("new", limit: 1)])
        #expect(state.rules.map(\.name) == ["all", "key dev", "key new"])
        guard case .refused(let refusal) = state.hold(Self.call, money: 4, tokens: 0, now: 100) else {
            Issue.record("it is over the limit")
            return
        }
        #expect(refusal.error.message.contains("key dev"))
    }

    @Test(
        "What was granted to a rule that is gone is given back, not given to the one in its place; two of a name are two"
    )
    func swapped() {
        let rule = { (name: String) in BudgetRule(name: name, limit: 100, window: BudgetWindow(.total)) }
        var state = BudgetState([rule("a")])
        guard case .short(let shortage) = state.hold(Self.call, money: 5, tokens: 0, now: 0) else {
            Issue.record("nothing was granted yet")
            return
        }
        state.replace([rule("b")])
        #expect(state.knownCount == 1)
        _ = state.granted(shortage, [BudgetBlock(amount: 50, left: 50)], now: 0)
        #expect(state.refused(shortage, at: 0, left: 0, now: 0) == nil)
        guard case .short(let own) = state.hold(Self.call, money: 5, tokens: 0, now: 0) else {
            Issue.record("it was granted to another")
            return
        }
        #expect(own.requests.map(\.slot.counter) == ["b"])
        let changes = state.takeChanges(now: 0)
        #expect(changes.map(\.slot.counter) == ["a"] && changes.map(\.leased) == [-50] && changes.map(\.spent) == [0])
        state.replace([rule("b"), rule("b")])
        #expect(state.rules.count == 2 && state.knownCount == 2)
    }

    @Test("Tokens are counted where a budget says so, and a refusal tells what is left and when there is more")
    func tokens() async throws {
        let time = JumpingTime()
        let keeper = Self.keeper(
            [BudgetRule(name: "t", unit: .tokens, limit: 100, window: BudgetWindow(.minute))], MemoryBudgets(), time)
        _ = try await keeper.hold(Self.call, money: 1_000_000, tokens: 60)
        do {
            _ = try await keeper.hold(Self.call, money: 0, tokens: 60)
            Issue.record("it was not refused")
        } catch {
            #expect(error.code == .budgetExceeded)
            #expect(error.message.contains("40 tokens of 100 tokens are left"))
            #expect(error.retryAfter.map { $0 > .zero && $0 <= .seconds(60) } ?? false)
        }
    }

    @Test("What costs more than was held is booked in full and blocks the budget")
    func overHold() async throws {
        let authority = MemoryBudgets()
        let keeper = Self.keeper([BudgetRule(name: "b", limit: 100, window: BudgetWindow(.total))], authority)
        let hold = try await keeper.hold(Self.call, money: 10, tokens: 0)
        #expect(keeper.settle(hold, money: 130, tokens: 0))
        try authority.book(keeper.takeChanges(isClosing: true))
        #expect(authority.all().map(\.spent) == [130])
        #expect(authority.all().map(\.leased) == [0])
        await #expect(throws: NeedletailError.self) { try await keeper.hold(Self.call, money: 1, tokens: 0) }
    }

    @Test("A limit of one call refuses what may cost more, and counts nothing")
    func perCall() async throws {
        let keeper = Self.keeper([BudgetRule(name: "c", limit: 10, window: BudgetWindow(.call))])
        for _ in 0..<100 { _ = try await keeper.hold(Self.call, money: 10, tokens: 0) }
        await #expect(throws: NeedletailError.self) { try await keeper.hold(Self.call, money: 11, tokens: 0) }
    }

    @Test("An authority that cannot be asked fails closed, and what the blocks at hand cover goes on")
    func away() async throws {
        struct Away: BudgetAuthority {
            func grant(_ requests: [BudgetGrantRequest]) throws(NeedletailError) -> BudgetGrant {
                throw NeedletailError(.internalFailure, "away")
            }
            func book(_ changes: [BudgetChange]) throws(NeedletailError) {}
        }
        let keeper = Self.keeper([BudgetRule(name: "b", limit: 100, window: BudgetWindow(.total))], Away())
        do {
            _ = try await keeper.hold(Self.call, money: 1, tokens: 0)
            Issue.record("it was not refused")
        } catch { #expect(error.code == .unavailable) }
    }

    @Test("Blocks of counts that are over or idle go back")
    func idle() {
        var state = BudgetState([
            BudgetRule(name: "b", each: .key, limit: 6_400, window: BudgetWindow(.day))
        ])
        guard case .short(let shortage) = state.hold(Self.call, money: 50, tokens: 0, now: 1_000) else {
            Issue.record("no block was asked for")
            return
        }
        #expect(shortage.requests.map(\.preferred) == [100])
        #expect(state.granted(shortage, [BudgetBlock(amount: 100, left: 6_300)], now: 1_000).isEmpty)
        guard case .held(let hold) = state.hold(Self.call, money: 50, tokens: 0, now: 1_000) else {
            Issue.record("it was not held")
            return
        }
        #expect(state.takeChanges(now: 5_000).isEmpty)
        #expect(!state.settle(hold, money: 20, tokens: 0, now: 5_000).isOverHold)
        let slot = BudgetSlot(counter: "b/dev", start: 0)
        #expect(state.takeChanges(now: 5_001) == [BudgetChange(slot: slot, spent: 20, leased: -20)])
        #expect(state.takeChanges(now: 5_059).isEmpty)
        #expect(state.takeChanges(now: 5_060) == [BudgetChange(slot: slot, spent: 0, leased: -80)])
        #expect(state.count == 0)
    }

    @Test("Other rules hold from one call to the next: what was spent stays spent under the new limit")
    func replaced() async throws {
        let keeper = Self.keeper([
            BudgetRule(name: "a", limit: 100, window: BudgetWindow(.total)),
            BudgetRule(name: "b", limit: 100, window: BudgetWindow(.total)),
        ])
        let first = try await keeper.hold(Self.call, money: 60, tokens: 0)
        #expect(!keeper.settle(first, money: 60, tokens: 0))
        let second = try await keeper.hold(Self.call, money: 10, tokens: 0)
        keeper.replace([BudgetRule(name: "a", limit: 200, window: BudgetWindow(.total))])
        let third = try await keeper.hold(Self.call, money: 130, tokens: 0)
        await #expect(throws: NeedletailError.self) { try await keeper.hold(Self.call, money: 1, tokens: 0) }
        // What was begun under the old rules ends under them.
        #expect(!keeper.settle(second, money: 10, tokens: 0))
        #expect(!keeper.settle(third, money: 0, tokens: 0))
        #expect(keeper.outstanding("b").held == 0)
        keeper.replace([])
        #expect(!keeper.isActive)
    }

    @Test("The operator is warned once for each part of the limit")
    func warnings() async throws {
        var state = BudgetState([
            BudgetRule(name: "b", limit: 1_000, window: BudgetWindow(.total), warnings: [500, 900])
        ])
        let authority = MemoryBudgets()
        var told: [String] = []
        for _ in 0..<100 {
            var decision = state.hold(Self.call, money: 10, tokens: 0, now: 5)
            if case .short(let shortage) = decision, case .granted(let blocks) = try authority.grant(shortage.requests)
            {
                told += state.granted(shortage, blocks, now: 5).map(\.used)
                decision = state.hold(Self.call, money: 10, tokens: 0, now: 5)
            }
            guard case .held(let hold) = decision else { continue }
            _ = state.settle(hold, money: 10, tokens: 0, now: 5)
        }
        #expect(told.count == 2)
    }
}
