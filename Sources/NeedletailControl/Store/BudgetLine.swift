import NeedletailCore
import NeedletailRouting

/// A budget and its counts as people read them.
struct BudgetLine {
    /// What a count has now.
    struct Count {
        /// What it is called in the store.
        var counter: String
        /// What it is called by people: the budget's name, with `/SUBJECT` where each has one of its own.
        var name: String
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
            guard let name = self.name(of: counter) else { continue }
            if let index = counts.firstIndex(where: { $0.counter == counter }) {
                counts[index].spent += balance.spent
                counts[index].leased += balance.leased
            } else {
                counts.append(
                    Count(counter: counter, name: name, spent: balance.spent, leased: balance.leased))
            }
        }
        return counts
    }

    /// What people call a count; `nil` where it is not the rule's.
    private func name(of counter: String) -> String? {
        guard self.rule.each != nil else { return counter == self.rule.account ? self.rule.name : nil }
        guard counter.hasPrefix(self.rule.account + "/") else { return nil }
        let subject = String(counter.dropFirst(self.rule.account.count + 1))
        // Counts of keys' names were once copied to their accounts, whatever had that name: such a copy is nobody's.
        if self.rule.each != .key, self.rule.accounts.contains(where: { $0.value == subject && $0.key != subject }) {
            return nil
        }
        guard self.rule.each == .key, !self.rule.accounts.isEmpty else { return "\(self.rule.name)/\(subject)" }
        // By what the key is called now. What an earlier version counted under the name is the account's, too.
        guard self.rule.accounts[subject].map({ $0 == subject }) ?? true else { return nil }
        let name = self.rule.accounts.first { $0.value == subject }?.key ?? subject
        return "\(self.rule.name)/\(name)"
    }

    /// What a count is called in the store that people call so; `nil` where nothing is counted under that name.
    ///
    /// - Parameter rules: Those that hold. What other rules have counted is called as in the store.
    static func counter(named name: String, _ rules: [BudgetRule], _ balances: [BudgetBalance]) -> String? {
        let counters = Set(balances.map(\.slot.counter))
        for rule in rules where name == rule.name || rule.each != nil && name.hasPrefix(rule.name + "/") {
            let subject = String(name.dropFirst(rule.name.count + 1))
            let counter = rule.counter(rule.each == .key ? rule.accounts[subject] ?? subject : subject)
            if counters.contains(counter) { return counter }
        }
        return counters.contains(name) ? name : nil
    }

    /// An amount without its unit.
    func text(_ amount: Int128) -> String {
        self.rule.unit == .money ? Money(picodollars: amount).description : String(amount)
    }
}
