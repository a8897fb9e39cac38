import NIOHTTP1
import NeedletailCore
import NeedletailRouting

/// What may be spent, and what has been.
struct BudgetsRoom: AdminRoom {
    let title = "Budgets"
    private let store: GatewayStore

    init(_ store: GatewayStore) {
        self.store = store
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/budgets", .read,
                "All budgets: limit, and for each count what is spent, held and leased. Dollars and tokens as text.",
                query: AdminField.page
            ) { request throws(AdminError) in
                let balances = try await self.balances()
                let rules = self.store.budgets.rules
                return try AdminPage.reply(rules, for: request, name: { $0.name }) { json, rule in
                    self.write(rule, balances, into: &json)
                }
            },
            AdminRoute(
                .POST, "/budgets/{name}/reset", .configure,
                "Forgets what a count has spent, and what crashes took of it; the name is a budget's, with /SUBJECT where each has one of its own."
            ) { request throws(AdminError) in
                let name = request["name"]
                let (balances, rules) = (try await self.balances(), self.store.budgets.rules)
                guard let counter = BudgetLine.counter(named: name, rules, balances) else {
                    let now = self.store.wallSeconds
                    let known = rules.flatMap { BudgetLine($0).counts(balances, now: now).map(\.name) }
                    throw .unknown("count", name, among: Set(known))
                }
                do throws(NeedletailError) { try await self.store.resetBudget(counter) } catch { throw .store(error) }
                return .object { $0.member("reset", name) }
            },
        ]
    }

    private func balances() async throws(AdminError) -> [BudgetBalance] {
        do throws(NeedletailError) {
            try await self.store.ledger?.flush()
            return try await self.store.balances()
        } catch {
            throw .store(error)
        }
    }

    private func write(_ rule: BudgetRule, _ balances: [BudgetBalance], into json: inout JSONWriter) {
        let line = BudgetLine(rule)
        json.member("name", rule.name)
        json.member("unit", rule.unit.rawValue)
        json.member("limit", line.text(rule.limit))
        json.member("per", rule.window.period.rawValue)
        json.member("window", rule.window.isRolling ? "rolling" : "calendar")
        json.member("each", rule.each?.rawValue ?? "")
        json.member("on_exhausted", rule.exhaustion.description)
        json.key("clamp")
        json.bool(rule.clamps)
        let now = self.store.wallSeconds
        json.member("counts", objects: line.counts(balances, now: now)) { json, count in
            let mine = self.store.budgets.outstanding(count.counter)
            json.member("name", count.name)
            json.member("spent", line.text(count.spent + mine.waiting))
            json.member("held", line.text(mine.held))
            json.member("leased", line.text(max(0, count.leased - mine.held - mine.waiting)))
            json.member("left", line.text(max(0, rule.limit - count.spent - count.leased)))
        }
    }
}
