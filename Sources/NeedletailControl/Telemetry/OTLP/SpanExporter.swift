import NeedletailCore

/// Keeps the requests whose spans are recorded and sends them in batches.
final class SpanExporter: RequestObserver {
    private let batches: BatchExporter<RequestRecord>
    private let samplesErrors: Bool

    /// - Parameter samplesErrors: Whether requests that failed are sent although their trace is not recorded.
    init(
        _ client: OTLPClient, resource: OTLPResource, batching: Batching = Batching(), samplesErrors: Bool = true,
        time: TimeSource
    ) {
        self.batches = BatchExporter(client, batching: batching, time: time) { OTLPTraces.request($0, resource) }
        self.samplesErrors = samplesErrors
    }

    /// Requests whose spans were dropped.
    var dropped: Int { self.batches.dropped }
    /// What sends.
    var collector: OTLPClient { self.batches.collector }

    func requestEnded(_ request: RequestRecord) {
        guard let trace = request.trace else { return }
        guard trace.isSampled || self.samplesErrors && request.error != nil else { return }
        self.batches.push(request)
    }

    /// Sends batches until the task is cancelled.
    func run() async { await self.batches.run() }

    /// Sends what waits, trying once: for the end of the process.
    func flush() async { await self.batches.flush() }
}
