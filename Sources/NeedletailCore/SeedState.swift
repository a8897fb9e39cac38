import Synchronization

/// The state of a seeded ``RandomSource``: one counter, so that several tasks may draw from it without a lock.
final class SeedState: Sendable {
    private let counter: Atomic<UInt64>

    init(_ seed: UInt64) {
        self.counter = Atomic(seed)
    }

    func next() -> UInt64 {
        var mixed = self.counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
