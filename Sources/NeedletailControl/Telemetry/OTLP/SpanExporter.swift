import NeedletailCore

/// Keeps the requests whose spans are recorded and sends them in batches.
final class SpanExporter: RequestObserver {
    /// How batches are made; OpenTelemetry's defaults, but for a queue that holds a busy second.
    struct Batching: Sendable, Hashable {
        /// The most requests that wait. Default 8192.
        var queue = 8_192
        /// The most requests in a batch. Default 512.
        var batch = 512
        /// How long a request waits for others. Default 5 s.
        var delay: Duration = .seconds(5)
    }

    /// How often is looked whether a batch is full.
    private static let tick = Duration.milliseconds(250)

    private let queue: BatchQueue<RequestRecord>
    private let batching: Batching
    private let client: OTLPClient
    private let resource: OTLPResource
    private let samplesErrors: Bool
    private let time: TimeSource

    /// - Parameter samplesErrors: Whether requests that failed are sent although their trace is not recorded.
    init(
        _ client: OTLPClient, resource: OTLPResource, batching: Batching = Batching(), samplesErrors: Bool = true,
        time: TimeSource
    ) {
        self.queue = BatchQueue(capacity: batching.queue)
        self.batching = batching
        self.client = client
        self.resource = resource
        self.samplesErrors = samplesErrors
        self.time = time
    }

    /// Requests whose spans were dropped.
    var dropped: Int { self.queue.dropped }
    /// What sends.
    var collector: OTLPClient { self.client }

    func requestEnded(_ request: RequestRecord) {
        guard let trace = request.trace else { return }
        guard trace.isSampled || self.samplesErrors && request.error != nil else { return }
        self.queue.push(request)
    }

    /// Sends batches until the task is cancelled.
    func run() async {
        var last = self.time.now()
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: Self.tick)) } catch { return }
            let isDue = self.time.now().duration(since: last) >= self.batching.delay
            while self.queue.count >= (isDue ? 1 : self.batching.batch), !Task.isCancelled { await self.sendOne() }
            if isDue { last = self.time.now() }
        }
    }

    /// Sends what waits, trying once: for the end of the process.
    func flush() async {
        while self.queue.count > 0 {
            guard await self.sendOne(tries: 1) else { return }
        }
    }

    @discardableResult
    private func sendOne(tries: Int = OTLPClient.maximumTries) async -> Bool {
        let records = self.queue.take(self.batching.batch)
        guard !records.isEmpty else { return true }
        let isSent = await self.client.send(OTLPTraces.request(records, self.resource), tries: tries)
        if !isSent { self.queue.drop(records.count) }
        return isSent
    }
}
