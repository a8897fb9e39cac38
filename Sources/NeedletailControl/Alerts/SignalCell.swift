import NeedletailCore
import Synchronization

/// Counts requests or calls of one kind. Lock-free: three or four additions for each.
final class SignalCell: Sendable {
    private let calls = Atomic<Int>(0)
    private let failures = Atomic<Int>(0)
    private let latency = InlineArray<64, Atomic<UInt32>> { _ in Atomic(0) }
    private let firstToken = InlineArray<64, Atomic<UInt32>> { _ in Atomic(0) }

    /// Counts one.
    ///
    /// - Parameters:
    ///   - duration: `nil` where there was no reply to measure.
    ///   - firstToken: `nil` where there was no stream.
    func count(hasFailed: Bool, duration: Duration?, firstToken: Duration?) {
        self.calls.wrappingAdd(1, ordering: .relaxed)
        if hasFailed { self.failures.wrappingAdd(1, ordering: .relaxed) }
        if let duration { self.latency[LatencyCounts.step(of: duration)].wrappingAdd(1, ordering: .relaxed) }
        if let firstToken {
            self.firstToken[LatencyCounts.step(of: firstToken)].wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// What has been counted so far.
    var counts: SignalCounts {
        SignalCounts(
            calls: self.calls.load(ordering: .relaxed), failures: self.failures.load(ordering: .relaxed),
            latency: LatencyCounts((0..<LatencyCounts.steps).map { self.latency[$0].load(ordering: .relaxed) }),
            firstToken: LatencyCounts((0..<LatencyCounts.steps).map { self.firstToken[$0].load(ordering: .relaxed) }))
    }
}
