import NeedletailCore

/// The series of the calls to one model at one provider.
final class AttemptSeries: Sendable {
    /// What tells the series apart.
    struct Key: SeriesKey {
        var provider: ProviderID
        var model: String
        var operation: NeedletailCore.Operation

        var folded: Self { Self(provider: self.provider, model: RequestMetrics.other, operation: self.operation) }
    }

    let sent: CounterCell
    let cancelled: CounterCell
    let duration: HistogramCell
    let operationDuration: HistogramCell
    let inputTokens: HistogramCell
    let outputTokens: HistogramCell
    let cost: CounterCell
    let unpriced: CounterCell
    private let causes: [CounterCell]
    private let kinds: [CounterCell]

    /// The kinds of tokens that have their own price, as they are named in the label.
    static let kinds = ["cached_input", "cache_write", "reasoning", "audio_input", "audio_output"]

    init(_ key: Key, _ families: RequestMetricFamilies) {
        let plain = MetricLabels(["provider": key.provider.rawValue, "model": key.model])
        let standard = RequestMetrics.standard(key.operation, provider: key.provider.rawValue, model: key.model)
        self.sent = families.sent.counter(plain)
        self.cancelled = families.cancelled.counter(plain)
        self.duration = families.providerDuration.histogram(plain)
        self.operationDuration = families.clientDuration.histogram(MetricLabels(standard))
        self.inputTokens = families.tokenUsage.histogram(
            MetricLabels(standard + [.init(name: "gen_ai_token_type", value: "input")]))
        self.outputTokens = families.tokenUsage.histogram(
            MetricLabels(standard + [.init(name: "gen_ai_token_type", value: "output")]))
        self.cost = families.cost.counter(plain)
        self.unpriced = families.unpriced.counter(plain)
        self.causes = AttemptCause.allCases.map { cause in
            families.attempts.counter(MetricLabels(plain.pairs + [.init(name: "cause", value: cause.rawValue)]))
        }
        self.kinds = Self.kinds.map { kind in
            families.specialTokens.counter(MetricLabels(plain.pairs + [.init(name: "type", value: kind)]))
        }
    }

    /// Counts a call that was sent.
    func count(_ attempt: AttemptRecord) {
        self.sent.add()
        self.duration.record(attempt.duration)
        self.causes[attempt.cause.place].add()
        switch attempt.outcome.end {
        case .finished: self.operationDuration.record(attempt.duration)
        case .abandoned:
            self.cancelled.add()
            self.operationDuration.record(attempt.duration)
        // With the class of the error among its labels, see `ErrorSeries`.
        case .failed: break
        }
        guard let usage = attempt.outcome.usage else { return }
        self.inputTokens.record(usage.inputTokens)
        self.outputTokens.record(usage.outputTokens)
        self.kinds[0].add(usage.cachedInputTokens ?? 0)
        self.kinds[1].add(usage.cacheWriteTokens ?? 0)
        self.kinds[2].add(usage.reasoningTokens ?? 0)
        self.kinds[3].add(usage.audioInputTokens ?? 0)
        self.kinds[4].add(usage.audioOutputTokens ?? 0)
        if let cost = attempt.cost.picoDollars { self.cost.add(Int(cost)) } else { self.unpriced.add() }
    }
}

extension AttemptCause {
    /// Its place among all causes.
    fileprivate var place: Int {
        switch self {
        case .first: 0
        case .retry: 1
        case .failover: 2
        case .hedge: 3
        case .continuation: 4
        case .shadow: 5
        }
    }
}
