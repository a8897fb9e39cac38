import NeedletailCore
import NeedletailRouting

extension ConfigurationBuilder {
    /// All budgets of a configuration: those under `budgets:`, those of keys, and the money limits of keys and providers.
    mutating func budgets(
        _ node: ConfigurationNode?, keys: [KeyConfiguration], providers: [ProviderConfiguration]
    ) -> [BudgetRule] {
        var rules: [BudgetRule] = []
        for element in node?.elements ?? [] {
            guard case .mapping = element.content, element.isEnabled, let rule = self.budget(element, keys, providers)
            else { continue }
            if rules.contains(where: { $0.name == rule.name }) {
                self.faults.error(
                    at: element["name"]?.position ?? element.position,
                    "there are two budgets named '\(rule.name)'", "give each its own name")
            }
            rules.append(rule)
        }
        for key in keys where key.isEnabled {
            let scope: [(BudgetRule.Dimension, ModelGlob)] = [(.key, ModelGlob(key.name))]
            if let budget = key.budget, let period = BudgetWindow.Period(rawValue: budget.period) {
                rules.append(
                    BudgetRule(
                        name: "key \(key.name)", scope: scope, limit: budget.limit.picodollars,
                        window: BudgetWindow(period), warnings: budget.warnings, exhaustion: budget.exhaustion,
                        clamps: budget.clamps))
            }
            rules += BudgetRule.limits("key \(key.name)", key.limits, scope)
        }
        for provider in providers where provider.isEnabled {
            rules += BudgetRule.limits(
                "provider \(provider.name)", provider.limits, [(.provider, ModelGlob(provider.name))])
        }
        return rules
    }

    private mutating func budget(
        _ node: ConfigurationNode, _ keys: [KeyConfiguration], _ providers: [ProviderConfiguration]
    ) -> BudgetRule? {
        guard let name = node.text("name") else {
            if node["name"] == nil {
                self.faults.error(
                    at: node.position, "this budget has no 'name'",
                    "write { name: everything, limit: 100.00, per: month }")
            }
            return nil
        }
        guard (node["limit"] == nil) != (node["tokens"] == nil) else {
            self.faults.error(
                at: node.position, "the budget '\(name)' needs one of 'limit' and 'tokens'",
                "write limit: 100.00 for dollars, or tokens: 1000000")
            return nil
        }
        let limit = node.money("limit")?.picodollars ?? node.int("tokens").map { Int128($0) }
        guard let limit else { return nil }
        var scope: [(BudgetRule.Dimension, ModelGlob)] = []
        for dimension in BudgetRule.Dimension.allCases {
            guard let glob = node.text(dimension.rawValue) else { continue }
            scope.append((dimension, ModelGlob(glob)))
            self.check(glob, dimension, node, keys, providers)
        }
        var window = BudgetWindow(.total)
        if let word = node.text("per"), let period = BudgetWindow.Period(rawValue: word) {
            var offset: @Sendable (Int64) -> Int64 = { _ in 0 }
            if let text = node.text("zone") {
                if let zone = TimeZoneText.parse(text) {
                    offset = zone
                } else {
                    self.faults.error(
                        at: node["zone"]?.position ?? node.position, "'\(text)' is no time zone",
                        "write UTC, UTC+02:00 or a name such as Europe/Berlin")
                }
            }
            window = BudgetWindow(period, isRolling: node.text("window") == "rolling", offset: offset)
        }
        let spent = self.spent(node, isTotal: window.period == .total)
        return BudgetRule(
            name: name, scope: scope, each: node.text("each").flatMap { BudgetRule.Dimension(rawValue: $0) },
            unit: node["limit"] == nil ? .tokens : .money, limit: limit, window: window, warnings: spent.warnings,
            exhaustion: spent.exhaustion, clamps: spent.clamps)
    }

    /// What a budget does as it is spent.
    mutating func spent(
        _ node: ConfigurationNode, isTotal: Bool
    ) -> (warnings: [Int], exhaustion: BudgetRule.Exhaustion, clamps: Bool) {
        BudgetRule.spent(node, isTotal: isTotal, &self.faults)
    }

    /// Groups that answer in the place of others must be there.
    mutating func checkDowngrades(_ root: ConfigurationNode, _ references: References) {
        let budgets = (root["budgets"]?.elements ?? []) + (root["keys"]?.elements ?? []).compactMap { $0["budget"] }
        for budget in budgets {
            guard let node = budget["on_exhausted"]?["downgrade"], let name = node.scalar?.text, !name.isEmpty,
                !references.groups.contains(name) || references.disabledGroups.contains(name)
            else { continue }
            let known = references.groups.filter { !references.disabledGroups.contains($0) }
            let nearest = NearestNames.nearestNames(to: name, among: known, limit: 1).first
            self.faults.error(
                at: node.position,
                references.disabledGroups.contains(name)
                    ? "the group '\(name)' is switched off" : "there is no group '\(name)' under 'models:'",
                nearest.map { "did you mean '\($0)'?" } ?? "write the name of a group that is cheaper")
        }
    }

    /// A name without a pattern must be somebody's.
    private mutating func check(
        _ name: String, _ dimension: BudgetRule.Dimension, _ node: ConfigurationNode, _ keys: [KeyConfiguration],
        _ providers: [ProviderConfiguration]
    ) {
        let known: [String]
        switch dimension {
        case .key: known = keys.map(\.name)
        case .tenant: known = keys.compactMap(\.tenant)
        case .provider: known = providers.map(\.name)
        case .model, .user, .team, .tag: return
        }
        guard !name.contains("*"), !known.contains(name) else { return }
        let nearest = NearestNames.nearestNames(to: name, among: known, limit: 1).first
        self.faults.error(
            at: node[dimension.rawValue]?.position ?? node.position,
            "'\(name)' is no \(dimension.rawValue) of this configuration",
            nearest.map { "did you mean '\($0)'?" } ?? "write a name that there is, or a pattern with '*'")
    }
}

extension BudgetRule {
    /// The money limits of a key or a provider.
    ///
    /// - Parameter account: What they are counted under; `nil` for the name.
    static func limits(
        _ name: String, account: String? = nil, _ limits: LimitConfiguration,
        _ scope: [(BudgetRule.Dimension, ModelGlob)]
    ) -> [BudgetRule] {
        let account = account ?? name
        var rules: [BudgetRule] = []
        if let daily = limits.dailyBudget {
            rules.append(
                BudgetRule(
                    name: "\(name) daily_budget", account: "\(account) daily_budget", scope: scope,
                    limit: daily.picodollars, window: BudgetWindow(.day)))
        }
        if let most = limits.costPerRequest {
            rules.append(
                BudgetRule(
                    name: "\(name) cost_per_request", scope: scope, limit: most.picodollars,
                    window: BudgetWindow(.call)))
        }
        return rules
    }
}
