import NIOCore
import NeedletailCore

/// Keeps what was recorded and sends it in batches; bounded, and a collector that is away costs a counter.
final class BatchExporter<Element: Sendable>: Sendable {
    /// How often is looked whether a batch is full.
    private static var tick: Duration { .milliseconds(250) }

    private let queue: BatchQueue<Element>
    private let batching: Batching
    private let client: OTLPClient
    private let encode: @Sendable ([Element]) -> ByteBuffer
    private let time: TimeSource

    /// - Parameter encode: Writes a batch as it is sent.
    init(
        _ client: OTLPClient, batching: Batching = Batching(), time: TimeSource,
        encode: @escaping @Sendable ([Element]) -> ByteBuffer
    ) {
        self.queue = BatchQueue(capacity: batching.queue)
        self.batching = batching
        self.client = client
        self.encode = encode
        self.time = time
    }

    /// How many were dropped.
    var dropped: Int { self.queue.dropped }
    /// How many wait.
    var waiting: Int { self.queue.count }
    /// What sends.
    var collector: OTLPClient { self.client }

    /// Takes one, or drops it. Never waits.
    ///
    /// - Returns: `false` when it is closed and has done neither.
    func push(_ element: Element) -> Bool { self.queue.push(element) }

    /// Takes no more; ``run()`` returns when what it has is sent.
    func close() { self.queue.close() }

    /// Sends batches until the task is cancelled, or until all that came before ``close()`` is sent. What the collector
    /// does not take then is dropped.
    func run() async {
        var last = self.time.now()
        while !Task.isCancelled {
            if self.queue.isClosed {
                await self.flush(tries: OTLPClient.maximumTries)
                if !Task.isCancelled { self.queue.drop(self.queue.take(.max).count) }
                return
            }
            do { try await self.time.sleep(self.time.now().advanced(by: Self.tick)) } catch { return }
            let isDue = self.time.now().duration(since: last) >= self.batching.delay
            while self.queue.count >= (isDue ? 1 : self.batching.batch), !Task.isCancelled { await self.sendOne() }
            if isDue { last = self.time.now() }
        }
    }

    /// Sends what waits, until the collector does not take a batch.
    ///
    /// - Parameter tries: How often each batch at most; once at the end of the process.
    func flush(tries: Int = 1) async {
        while self.queue.count > 0 {
            guard await self.sendOne(tries: tries) else { return }
        }
    }

    @discardableResult
    private func sendOne(tries: Int = OTLPClient.maximumTries) async -> Bool {
        let elements = self.queue.take(self.batching.batch)
        guard !elements.isEmpty else { return true }
        let isSent = await self.client.send(self.encode(elements), tries: tries)
        guard !isSent else { return true }
        // Whoever runs it next, or flushes, goes on where this one was stopped.
        if Task.isCancelled { self.queue.putBack(elements) } else { self.queue.drop(elements.count) }
        return false
    }
}

/// How batches are made; OpenTelemetry's defaults, but for a queue that holds a busy second.
struct Batching: Sendable, Hashable {
    /// The most that wait. Default 8192.
    var queue = 8_192
    /// The most in a batch. Default 512.
    var batch = 512
    /// How long one waits for others. Default 5 s.
    var delay: Duration = .seconds(5)
}
