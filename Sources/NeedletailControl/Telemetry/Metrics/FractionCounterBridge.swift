import CoreMetrics

/// A counter of fractions, kept to the billionth.
final class FractionCounterBridge: FloatingPointCounterHandler {
    static let digits = 9
    private let cell: CounterCell

    init(_ cell: CounterCell) { self.cell = cell }

    func increment(by amount: Double) {
        guard amount > 0, amount < 1e9 else { return }
        self.cell.add(Int((amount * 1e9).rounded()))
    }
    func reset() { self.cell.reset() }
}
