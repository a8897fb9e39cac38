import NeedletailCore

/// Sends all metrics from time to time.
struct MetricExporter: Sendable {
    let registry: MetricRegistry
    let client: OTLPClient
    let resource: OTLPResource
    /// How often. OpenTelemetry's default is a minute.
    let interval: Duration
    /// When counting began, in nanoseconds since 1970.
    let start: Int64
    let time: TimeSource

    /// Sends until the task is cancelled, or until the end, and then once more.
    func run(until end: Latch) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    do { try await self.time.sleep(self.time.now().advanced(by: self.interval)) } catch { return }
                    await self.flush()
                }
            }
            await end.wait()
            group.cancelAll()
        }
        if !Task.isCancelled { await self.flush() }
    }

    /// Sends what the metrics say now. What does not arrive is in the next one too.
    func flush() async {
        _ = await self.client.send(
            OTLPMetrics.request(
                self.registry.read(), start: self.start, now: self.time.wallNanoseconds(), self.resource),
            tries: 1)
    }
}
