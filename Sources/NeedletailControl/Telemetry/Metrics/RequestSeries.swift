import NeedletailCore

/// The series of requests of one kind that ended alike.
final class RequestSeries: Sendable {
    /// What tells the series apart.
    struct Key: SeriesKey {
        var surface: DialectID?
        var operation: NeedletailCore.Operation
        var model: String
        var provider: ProviderID?
        var status: Int
        var outcome: String
        var isStreaming: Bool

        var folded: Self {
            var key = self
            key.model = RequestMetrics.other
            return key
        }
    }

    let requests: CounterCell
    let duration: HistogramCell
    let firstToken: HistogramCell
    let perToken: HistogramCell

    init(_ key: Key, _ families: RequestMetricFamilies) {
        let provider = key.provider?.rawValue ?? "none"
        self.requests = families.requests.counter(
            MetricLabels([
                "surface": key.surface?.rawValue ?? "library", "operation": key.operation.rawValue,
                "model": key.model, "provider": provider, "status": String(key.status), "outcome": key.outcome,
                "stream": key.isStreaming ? "true" : "false",
            ]))
        let standard = MetricLabels(RequestMetrics.standard(key.operation, provider: provider, model: key.model))
        self.duration = families.serverDuration.histogram(standard)
        // A series that nothing can come to is not made: it would show twenty zeros.
        let times = key.isStreaming && key.status == 200
        self.firstToken = times ? families.firstToken.histogram(standard) : HistogramCell(bounds: [])
        self.perToken = times ? families.perToken.histogram(standard) : HistogramCell(bounds: [])
    }

    /// Counts a request.
    func count(_ request: RequestRecord) {
        self.requests.add()
        self.duration.record(request.duration)
        guard let first = request.timeToFirstToken else { return }
        self.firstToken.record(first)
        if let tokens = request.usage?.outputTokens, tokens > 1 {
            self.perToken.record(Int((request.duration - first).wholeNanoseconds) / (tokens - 1))
        }
    }
}
