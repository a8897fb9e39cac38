import NIOCore
public import NeedletailCore
public import NeedletailRouting

extension KeyLimits {
    /// Reads limits, a budget and a priority from the members `limits`, `budget` and `priority`, which are as at the
    /// configuration's keys.
    ///
    /// - Throws: `.invalidRequest` that says all that is wrong and what to write.
    public init(changes body: JSONView?, over known: KeyLimits = KeyLimits()) throws(NeedletailError) {
        let before = known.node
        func member(_ name: StaticString) -> ConfigurationNode? {
            let old = before["\(name)"]
            guard let view = body?[name] else { return old }
            guard !view.isNull else { return nil }
            return (old ?? .emptyMapping).merging(ConfigurationNode(view, file: "key", body: view.whole))
        }
        // What becomes of a request is said whole: the parts of two answers are none.
        let budget = member("budget").map { node in
            body?["budget"]?["on_exhausted"].map { view in
                let said = view.isNull ? nil : ConfigurationNode(view, file: "key", body: view.whole)
                return node.setting("on_exhausted", to: said)
            } ?? node
        }
        try self.init(limits: member("limits"), budget: budget)
        self.priority = known.priority
        guard let view = body?["priority"] else { return }
        self.priority = view.string.flatMap { RequestPriority(rawValue: $0) }
        guard view.isNull || self.priority != nil else {
            throw Self.fault("this is no 'priority'; write low, normal or high")
        }
    }

    private init(limits: ConfigurationNode?, budget: ConfigurationNode?) throws(NeedletailError) {
        self.init()
        var validator = SchemaValidator(types: [], faults: FaultCollector())
        if let limits {
            validator.section(limits, ConfigurationSchema.keyLimits, path: "limits")
            if limits["burst"] != nil, limits["rpm"] == nil, limits["rph"] == nil {
                throw Self.fault("'burst' needs a rate; write rpm or rph beside it, or remove it")
            }
            self.concurrency = limits.int("concurrency")
            self.rpm = limits.int("rpm")
            self.rph = limits.int("rph")
            self.tpm = limits.int("tpm")
            self.burst = limits.int("burst")
            self.dailyBudget = limits.money("daily_budget")
            self.costPerRequest = limits.money("cost_per_request")
        }
        if let budget {
            validator.section(budget, ConfigurationSchema.storedBudget, path: "budget")
            guard let limit = budget.money("limit") else {
                let faults = validator.faults.errors.map { "\($0.problem); \($0.remedy)" }
                throw Self.fault(faults.first ?? "this budget has no 'limit'; write { limit: 5.00, per: day }")
            }
            let period = budget.text("per") ?? "total"
            let spent = BudgetRule.spent(budget, isTotal: period == "total", &validator.faults)
            self.budget = Budget(
                limit: limit, period: period, warnings: spent.warnings, clamps: spent.clamps,
                exhaustion: Exhaustion(spent.exhaustion))
        }
        guard validator.faults.errors.isEmpty else {
            throw Self.fault(validator.faults.errors.map { "\($0.problem); \($0.remedy)" }.joined(separator: ". "))
        }
    }

    private static func fault(_ text: String) -> NeedletailError { NeedletailError(.invalidRequest, "\(text).") }

    /// `limits` and `budget`, as a mapping.
    private var node: ConfigurationNode {
        var json = JSONWriter()
        json.beginObject()
        self.write(into: &json)
        json.endObject()
        guard let root = try? JSONDocument(json.bytes).root else { return .emptyMapping }
        return ConfigurationNode(root, file: "key", body: json.bytes)
    }

    // MARK: What comes of them

    /// The rates.
    var policy: LimitPolicy {
        LimitPolicy(
            concurrency: self.concurrency, requestsPerMinute: self.rpm, requestsPerHour: self.rph,
            tokensPerMinute: self.tpm, burst: self.burst)
    }

    /// The budgets of the keys of a name, named as those of the configuration's keys are.
    ///
    /// - Parameter account: What they are counted under.
    func budgets(of name: String, account: String) -> [BudgetRule] {
        let scope: [(BudgetRule.Dimension, ModelGlob)] = [(.key, ModelGlob(name))]
        var rules: [BudgetRule] = []
        if let budget = self.budget, let period = BudgetWindow.Period(rawValue: budget.period) {
            rules.append(
                BudgetRule(
                    name: "key \(name)", account: "key \(account)", scope: scope, limit: budget.limit.picodollars,
                    window: BudgetWindow(period), warnings: budget.warnings,
                    exhaustion: budget.exhaustion?.rule ?? .refuse, clamps: budget.clamps))
        }
        var limits = LimitConfiguration()
        limits.dailyBudget = self.dailyBudget
        limits.costPerRequest = self.costPerRequest
        return rules + BudgetRule.limits("key \(name)", account: "key \(account)", limits, scope)
    }
}

extension KeyLimits.Exhaustion {
    fileprivate init?(_ rule: BudgetRule.Exhaustion) {
        switch rule {
        case .refuse: return nil
        case .downgrade(let group): self = .downgrade(group)
        case .queue(let most): self = .queue(milliseconds: Int(clamping: most.wholeNanoseconds / 1_000_000))
        }
    }

    fileprivate var rule: BudgetRule.Exhaustion {
        switch self {
        case .downgrade(let group): .downgrade(group)
        case .queue(let milliseconds): .queue(.milliseconds(milliseconds))
        }
    }
}

extension [StoredKey] {
    /// The newest key of each name.
    private var newest: [String: StoredKey] {
        var newest: [String: StoredKey] = [:]
        for key in self where newest[key.name].map({ $0.created <= key.created }) ?? true { newest[key.name] = key }
        return newest
    }

    /// The limits of each name: those of its newest key.
    var limits: [String: KeyLimits] {
        self.newest.mapValues(\.limits).filter { !$0.value.isEmpty }
    }

    /// What each name is counted under.
    var accounts: [String: String] { self.newest.mapValues(\.account) }

    /// Budgets that count each key, so that they count these under their accounts.
    ///
    /// - Parameter configured: Names of keys of the configuration, which count under them.
    public func counted(in rules: [BudgetRule], except configured: Set<String>) -> [BudgetRule] {
        guard rules.contains(where: { $0.each != nil }) else { return rules }
        let all = self.accounts
        let accounts = all.filter { !configured.contains($0.key) }
        return rules.map { rule in
            var rule = rule
            // Others are told which subjects are none of theirs.
            if rule.each != nil { rule.accounts = rule.each == .key ? accounts : all }
            return rule
        }
    }

    /// The budgets of a configuration, of which those that count each key count these under their accounts.
    public func counted(in configuration: Configuration) -> [BudgetRule] {
        self.counted(in: configuration.budgets, except: Set((configuration.keys ?? []).filter(\.isEnabled).map(\.name)))
    }

    /// The budgets of all of them, in the order of their names.
    public var budgets: [BudgetRule] {
        self.newest.sorted { $0.key < $1.key }.flatMap { name, key in
            key.limits.budgets(of: name, account: key.account)
        }
    }
}
