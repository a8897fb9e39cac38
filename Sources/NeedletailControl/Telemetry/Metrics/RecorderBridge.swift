import CoreMetrics

/// A distribution of numbers.
final class RecorderBridge: RecorderHandler {
    private let cell: HistogramCell
    private let scale: Double

    init(_ cell: HistogramCell, scale: Double) {
        self.cell = cell
        self.scale = scale
    }

    func record(_ value: Int64) { self.record(Double(value)) }

    func record(_ value: Double) {
        let scaled = value * self.scale
        // What is no number counts as none, and what is too large as the largest.
        self.cell.record(scaled.isNaN ? 0 : Int(min(max(scaled, 0), 1e15)))
    }
}
