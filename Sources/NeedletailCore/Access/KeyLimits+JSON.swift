/// `"priority":"high","limits":{"rpm":60,…},"budget":{"limit":"5.00","per":"day",…}`, as the admin API shows it and the store keeps it.
extension KeyLimits {
    /// Writes three members of an object; what bounds nothing is left out.
    public func write(into json: inout JSONWriter) {
        json.member("priority", self.priority?.rawValue)
        let counts: [(StaticString, Int?)] = [
            ("concurrency", self.concurrency), ("rpm", self.rpm), ("rph", self.rph), ("tpm", self.tpm),
            ("burst", self.burst),
        ]
        let amounts: [(StaticString, Money?)] = [
            ("daily_budget", self.dailyBudget), ("cost_per_request", self.costPerRequest),
        ]
        if counts.contains(where: { $0.1 != nil }) || amounts.contains(where: { $0.1 != nil }) {
            json.key("limits")
            json.beginObject()
            for case (let name, let count?) in counts { json.member(name, count) }
            for case (let name, let amount?) in amounts { json.member(name, amount.description) }
            json.endObject()
        }
        guard let budget = self.budget else { return }
        json.key("budget")
        json.beginObject()
        json.member("limit", budget.limit.description)
        json.member("per", budget.period)
        json.key("warn")
        json.beginArray()
        for part in budget.warnings { json.raw(JSONText(unchecked: Self.share(part))) }
        json.endArray()
        json.member("clamp", budget.clamps)
        if let exhaustion = budget.exhaustion {
            json.key("on_exhausted")
            json.beginObject()
            switch exhaustion {
            case .downgrade(let group): json.member("downgrade", group)
            case .queue(let milliseconds):
                let isWhole = milliseconds % 1_000 == 0
                json.member("queue", isWhole ? "\(milliseconds / 1_000)s" : "\(milliseconds)ms")
            }
            json.endObject()
        }
        json.endObject()
    }

    private static func exhaustion(_ json: JSONView) -> Exhaustion? {
        if let group = json["downgrade"]?.string { return .downgrade(group) }
        guard let text = json["queue"]?.string else { return nil }
        let count = text.hasSuffix("ms") ? Int(text.dropLast(2)) : Int(text.dropLast()).map { $0 * 1_000 }
        return count.map { .queue(milliseconds: $0) }
    }

    /// Thousandths as a number: 800 is `0.8`.
    private static func share(_ thousandths: Int) -> String {
        Money(picodollars: Int128(thousandths) * 1_000_000_000).decimal(leastPlaces: 0)
    }

    /// Reads what ``write(into:)`` wrote.
    public init(_ json: JSONView) {
        self.init()
        self.priority = json["priority"]?.string.flatMap { RequestPriority(rawValue: $0) }
        let limits = json["limits"]
        self.concurrency = limits?["concurrency"]?.int
        self.rpm = limits?["rpm"]?.int
        self.rph = limits?["rph"]?.int
        self.tpm = limits?["tpm"]?.int
        self.burst = limits?["burst"]?.int
        self.dailyBudget = limits?["daily_budget"]?.string.flatMap { Money($0) }
        self.costPerRequest = limits?["cost_per_request"]?.string.flatMap { Money($0) }
        guard let budget = json["budget"], let limit = budget["limit"]?.string.flatMap({ Money($0) }) else { return }
        self.budget = Budget(
            limit: limit, period: budget["per"]?.string ?? "total",
            warnings: budget["warn"]?.elements.compactMap { $0.number.flatMap { Money($0.description) } }
                .map { Int(clamping: $0.picodollars / 1_000_000_000) } ?? [800],
            clamps: budget["clamp"]?.bool ?? false, exhaustion: budget["on_exhausted"].flatMap(Self.exhaustion))
    }
}
