import CoreMetrics

/// A number that goes up and down.
final class GaugeBridge: MeterHandler, RecorderHandler {
    private let cell: GaugeCell

    init(_ cell: GaugeCell) { self.cell = cell }

    func set(_ value: Int64) { self.cell.set(Double(value)) }
    func set(_ value: Double) { self.cell.set(value) }
    func increment(by amount: Double) { self.cell.add(amount) }
    func decrement(by amount: Double) { self.cell.add(-amount) }
    func record(_ value: Int64) { self.cell.set(Double(value)) }
    func record(_ value: Double) { self.cell.set(value) }
}
