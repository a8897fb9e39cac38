import Synchronization

/// One gauge: a number that goes up and down. Lock-free.
final class GaugeCell: Sendable {
    private let bits = Atomic<UInt64>(0)

    /// The number.
    var value: Double { Double(bitPattern: self.bits.load(ordering: .relaxed)) }

    /// Sets it.
    func set(_ value: Double) {
        self.bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Moves it.
    func add(_ amount: Double) {
        var old = self.bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: old) + amount).bitPattern
            let (done, found) = self.bits.weakCompareExchange(expected: old, desired: sum, ordering: .relaxed)
            if done { return }
            old = found
        }
    }
}
