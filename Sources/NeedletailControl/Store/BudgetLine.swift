import NeedletailCore
import NeedletailRouting

/// A budget and its counts as people read them.
struct BudgetLine {
    /// What a count has now.
    struct Count {
        var counter: String
        var spent: Int128
        var leased: Int128
    }

    let rule: BudgetRule

    init(_ rule: BudgetRule) {
        self.rule = rule
    }

    /// The counts that are the rule's, in the window that holds now.
    func counts(_ balances: [BudgetBalance], now: Int64) -> [Count] {
        let since = self.rule.window.since(at: now)
        var counts: [Count] = []
        for balance in balances where balance.slot.start >= since {
            let counter = balance.slot.counter
            let account = self.rule.account
            guard self.rule.each == nil ? counter == account : counter.hasPrefix(account + "/") else { continue }
            if let index = counts.firstIndex(where: { $0.counter == counter }) {
                counts[index].spent += balance.spent
                counts[index].leased += balance.leased
            } else {
                counts.append(Count(counter: counter, spent: balance.spent, leased: balance.leased))
            }
        }
        return counts
    }

    /// An amount without its unit.
    func text(_ amount: Int128) -> String {
        self.rule.unit == .money ? Money(picodollars: amount).description : String(amount)
    }
}
