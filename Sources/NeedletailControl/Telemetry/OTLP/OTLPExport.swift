import NeedletailCore
import Synchronization

/// Sends spans, metrics and log lines to the collectors of whatever configuration serves. Those of the one before are sent
/// what was recorded for them, and then left.
final class OTLPExport: Sendable {
    private struct State {
        var current: OTLPCollectors
        /// Those that ``OTLPExport/run()`` does not run yet.
        var fresh: [OTLPCollectors]
        /// Those that are still sent what was recorded for them.
        var replaced: [OTLPCollectors] = []
        /// The sums of those that have been left.
        var left = OTLPCollectors.Counts()
        /// Whether there ever was somebody to send to.
        var isUsed: Bool

        var all: [OTLPCollectors] { self.replaced + [self.current] }
    }

    /// Where the requests go whose spans are recorded.
    let spans = ExporterSlot<RequestRecord>()
    /// Where log lines go.
    let logs = ExporterSlot<LogWriter.Entry>()
    private let state: Mutex<State>

    /// Begins with some collectors.
    init(_ collectors: OTLPCollectors) {
        self.state = Mutex(State(current: collectors, fresh: [collectors], isUsed: !collectors.isEmpty))
        self.spans.replace(collectors.spans)
        self.logs.replace(collectors.logs)
    }

    /// Sends what comes from now on to other collectors; the same change nothing.
    func replace(_ collectors: OTLPCollectors) {
        let before = self.state.withLock { state -> OTLPCollectors? in
            guard state.current !== collectors else { return nil }
            let before = state.current
            state.replaced.append(before)
            state.current = collectors
            state.fresh.append(collectors)
            state.isUsed = state.isUsed || !collectors.isEmpty
            return before
        }
        guard let before else { return }
        self.spans.replace(collectors.spans)
        self.logs.replace(collectors.logs)
        before.close()
    }

    /// Sends until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let (fresh, current) = self.state.withLock { state in
                    defer { state.fresh = [] }
                    return (state.fresh, state.current)
                }
                for collectors in fresh { group.addTask { await self.run(collectors) } }
                await current.isReplaced.wait()
            }
        }
    }

    private func run(_ collectors: OTLPCollectors) async {
        await collectors.run()
        // What is left at the end of the process is sent by ``shutdown(within:)``.
        guard !Task.isCancelled else { return }
        self.state.withLock { state in
            state.replaced.removeAll { $0 === collectors }
            state.left.add(collectors.counts)
        }
        await collectors.shutdown()
    }

    /// Sends what waits, trying once.
    func flush() async {
        await withDiscardingTaskGroup { group in
            for collectors in self.state.withLock({ $0.all }) { group.addTask { await collectors.flush() } }
        }
    }

    /// Sends what waits and closes the connections, when nobody runs it any more.
    ///
    /// - Parameter limit: How long sending may take.
    func shutdown(within limit: Duration, time: TimeSource) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.flush() }
            group.addTask { try? await time.sleep(time.now().advanced(by: limit)) }
            await group.next()
            group.cancelAll()
        }
        for collectors in self.state.withLock({ $0.all }) { await collectors.shutdown() }
    }

    /// What the metrics say of it; nothing where there never was a collector.
    var readings: [MetricReading] {
        let (counts, isUsed) = self.state.withLock { state in
            var counts = state.left
            for collectors in state.all { counts.add(collectors.counts) }
            return (counts, state.isUsed)
        }
        guard isUsed else { return [] }
        return [
            .counter(
                "needletail_telemetry_sent_batches_total", "Batches that the collector took.",
                [(.none, counts.sentBatches)]),
            .counter(
                "needletail_telemetry_failed_tries_total", "Tries to reach the collector that failed.",
                [(.none, counts.failedTries)]),
            .counter(
                "needletail_telemetry_dropped_requests_total", "Requests whose spans were dropped.",
                [(.none, counts.droppedRequests)]),
            .counter(
                "needletail_telemetry_dropped_log_lines_total", "Log lines that the collector never got.",
                [(.none, counts.droppedLines)]),
        ]
    }
}
