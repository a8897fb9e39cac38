import CoreMetrics

/// A distribution of durations.
final class TimerBridge: TimerHandler {
    private let cell: HistogramCell

    init(_ cell: HistogramCell) { self.cell = cell }

    func recordNanoseconds(_ duration: Int64) { self.cell.record(Int(clamping: duration)) }
}
