import NeedletailCore

/// Counts requests and attempts.
///
/// Three to five look-ups without a lock and some twenty additions for a request; everything else is done when a label
/// first appears.
final class RequestMetrics: RequestObserver {
    /// What stands for models and keys beyond the bound.
    static let other = "other"
    /// How many models at providers, and how many keys, are told apart, unless the operator says otherwise.
    static let defaultCapacity = 500

    private let attempts: SeriesTable<AttemptSeries.Key, AttemptSeries>
    private let errors: SeriesTable<ErrorSeries.Key, ErrorSeries>
    private let requests: SeriesTable<RequestSeries.Key, RequestSeries>
    private let keys: SeriesTable<KeySeries.Key, KeySeries>
    private let refusals: SeriesTable<RefusalSeries.Key, RefusalSeries>
    private let overhead: HistogramCell
    private let lossy: CounterCell
    private let hits: CounterCell
    private let misses: CounterCell
    private let bypasses: CounterCell

    /// Creates the families of `registry` and counts in them.
    ///
    /// - Parameters:
    ///   - capacity: How many models at providers, and how many keys, are told apart; at least 1.
    ///   - previous: What counted in them before: what it tells apart stays so.
    init(
        _ registry: MetricRegistry, capacity: Int = RequestMetrics.defaultCapacity,
        after previous: RequestMetrics? = nil
    ) {
        let families = RequestMetricFamilies(registry)
        self.attempts = SeriesTable(capacity: capacity, keeping: previous?.attempts) { AttemptSeries($0, families) }
        self.errors = SeriesTable(capacity: 2 * capacity, keeping: previous?.errors) { ErrorSeries($0, families) }
        self.requests = SeriesTable(capacity: 4 * capacity, keeping: previous?.requests) { RequestSeries($0, families) }
        self.keys = SeriesTable(capacity: capacity, keeping: previous?.keys) { KeySeries($0, families) }
        // Dialects times errors.
        self.refusals = SeriesTable(capacity: 512, keeping: previous?.refusals) { RefusalSeries($0, families) }
        self.overhead = families.overhead.histogram()
        self.lossy = families.losses.counter()
        self.hits = families.cache.counter(MetricLabels(["result": "hit"]))
        self.misses = families.cache.counter(MetricLabels(["result": "miss"]))
        self.bypasses = families.cache.counter(MetricLabels(["result": "bypass"]))
    }

    /// The labels that the semantic conventions name.
    static func standard(
        _ operation: NeedletailCore.Operation, provider: String, model: String
    ) -> [MetricLabels.Pair] {
        [
            .init(name: "gen_ai_operation_name", value: operation.conventionalName),
            .init(name: "gen_ai_provider_name", value: provider),
            .init(name: "gen_ai_request_model", value: model),
        ]
    }

    func attemptEnded(_ attempt: AttemptRecord) {
        // What was refused before it was sent is nothing that an upstream saw.
        guard attempt.wasSent else { return }
        let series = self.attempts.value(
            AttemptSeries.Key(provider: attempt.provider, model: attempt.model, operation: attempt.operation))
        series.count(attempt)
        guard let error = attempt.error else { return }
        let failure = self.errors.value(
            ErrorSeries.Key(
                provider: attempt.provider, model: attempt.model, operation: attempt.operation, code: error.code))
        failure.count.add()
        failure.duration.record(attempt.duration)
    }

    func requestEnded(_ request: RequestRecord) {
        let series = self.requests.value(
            RequestSeries.Key(
                surface: request.surface, operation: request.operation, model: Self.model(request),
                provider: request.provider, status: request.status, outcome: request.outcomeName,
                isStreaming: request.isStreaming))
        series.count(request)
        self.overhead.record(request.overhead)
        if request.losses.holdContent { self.lossy.add() }
        switch request.cacheStatus {
        case nil: break
        case .hit: self.hits.add()
        case .miss: self.misses.add()
        case .bypass: self.bypasses.add()
        }
        if let name = request.keyName {
            self.keys.value(KeySeries.Key(name: name, tenant: request.request.tenant)).count(request)
        }
    }

    func requestRefused(_ refusal: RefusalRecord) {
        self.refusals.value(
            RefusalSeries.Key(surface: refusal.surface, status: refusal.status, code: refusal.error.code)
        ).count.add()
    }

    /// The name that was asked for, but for one that leads nowhere: those are as many as clients think up.
    private static func model(_ request: RequestRecord) -> String {
        guard !request.isCommitted, request.attempts.isEmpty, let code = request.error?.code,
            code == .notFound || code == .forbidden
        else { return request.model }
        return "unknown"
    }
}

extension RequestRecord {
    /// How it ended, in one word: `success`, `error`, `abandoned`.
    var outcomeName: String {
        switch self.outcome.end {
        case .finished: "success"
        case .failed: "error"
        case .abandoned: "abandoned"
        }
    }
}
