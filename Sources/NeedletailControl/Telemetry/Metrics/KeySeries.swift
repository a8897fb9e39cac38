import NeedletailCore

/// The series of one client key.
final class KeySeries: Sendable {
    /// What tells the series apart.
    struct Key: SeriesKey {
        var name: String
        var tenant: String?

        var folded: Self { Self(name: RequestMetrics.other, tenant: nil) }
    }

    let requests: CounterCell
    let failed: CounterCell
    let inputTokens: CounterCell
    let outputTokens: CounterCell
    let cost: CounterCell

    init(_ key: Key, _ families: RequestMetricFamilies) {
        let labels = MetricLabels(["key": key.name, "tenant": key.tenant ?? ""])
        self.requests = families.keyRequests.counter(labels)
        self.failed = families.keyFailures.counter(labels)
        self.inputTokens = families.keyTokens.counter(
            MetricLabels(labels.pairs + [.init(name: "type", value: "input")]))
        self.outputTokens = families.keyTokens.counter(
            MetricLabels(labels.pairs + [.init(name: "type", value: "output")]))
        self.cost = families.keyCost.counter(labels)
    }

    /// Counts a request.
    func count(_ request: RequestRecord) {
        self.requests.add()
        if request.error != nil { self.failed.add() }
        self.inputTokens.add(request.usage?.inputTokens ?? 0)
        self.outputTokens.add(request.usage?.outputTokens ?? 0)
        self.cost.add(Int(request.cost.picoDollars ?? 0))
    }
}
