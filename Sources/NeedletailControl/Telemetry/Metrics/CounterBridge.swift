import CoreMetrics

/// A counter of whole numbers.
final class CounterBridge: CounterHandler {
    private let cell: CounterCell

    init(_ cell: CounterCell) { self.cell = cell }

    func increment(by amount: Int64) { self.cell.add(Int(clamping: amount)) }
    func reset() { self.cell.reset() }
}
