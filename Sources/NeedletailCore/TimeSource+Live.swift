extension TimeSource {
    /// The machine's clock. The one place in `Sources/` where time is read.
    public static let live = TimeSource(
        now: { Instant(nanoseconds: LiveClock.monotonicNanoseconds()) },
        wallSeconds: { LiveClock.wallNanoseconds() / 1_000_000_000 },
        wallNanoseconds: { LiveClock.wallNanoseconds() },
        sleep: { until throws(CancellationError) in
            let wait = until.duration(since: Instant(nanoseconds: LiveClock.monotonicNanoseconds()))
            guard wait > .zero else {
                if Task.isCancelled { throw CancellationError() }
                return
            }
            do { try await Task.sleep(for: wait, tolerance: .zero, clock: .continuous) } catch {
                throw CancellationError()
            }
        }
    )
}
