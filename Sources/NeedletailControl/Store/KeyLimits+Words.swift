import NIOCore
public import NeedletailCore
public import NeedletailRouting

extension KeyLimits {
    /// Reads limits and a budget from the members `limits` and `budget`, which are as at the configuration's keys.
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
        try self.init(limits: member("limits"), budget: member("budget"))
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
            self.budget = Budget(
                limit: limit, period: budget.text("per") ?? "total",
                warnings: (budget.texts("warn") ?? ["0.8"]).compactMap { Money($0) }
                    .map { Int(clamping: $0.picodollars / 1_000_000_000) }.sorted(),
                clamps: budget.bool("clamp") ?? false)
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
    func budgets(of name: String) -> [BudgetRule] {
        let scope: [(BudgetRule.Dimension, ModelGlob)] = [(.key, ModelGlob(name))]
        var rules: [BudgetRule] = []
        if let budget = self.budget, let period = BudgetWindow.Period(rawValue: budget.period) {
            rules.append(
                BudgetRule(
                    name: "key \(name)", scope: scope, limit: budget.limit.picodollars, window: BudgetWindow(period),
                    warnings: budget.warnings, clamps: budget.clamps))
        }
        var limits = LimitConfiguration()
        limits.dailyBudget = self.dailyBudget
        limits.costPerRequest = self.costPerRequest
        return rules + BudgetRule.limits("key \(name)", limits, scope)
    }
}

extension [StoredKey] {
    /// The limits of each name: those of its newest key.
    var limits: [String: KeyLimits] {
        var newest: [String: StoredKey] = [:]
        for key in self where newest[key.name].map({ $0.created <= key.created }) ?? true { newest[key.name] = key }
        return newest.mapValues(\.limits).filter { !$0.value.isEmpty }
    }

    /// The budgets of all of them, in the order of their names.
    public var budgets: [BudgetRule] {
        self.limits.sorted { $0.key < $1.key }.flatMap { $0.value.budgets(of: $0.key) }
    }
}
