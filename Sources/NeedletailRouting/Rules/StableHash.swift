/// A hash that is the same in every process and on every machine: FNV-1a (Fowler, Noll, Vo) with SplitMix64's finaliser
/// (Steele, Lea, Flood 2014), since FNV alone leaves the high bits of short texts poor.
///
/// Not for tables that clients may fill on purpose: who knows the seed can find collisions.
struct StableHash {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = 0xCBF2_9CE4_8422_2325 ^ seed
    }

    mutating func combine(byte: UInt8) {
        self.state = (self.state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }

    /// The text's end counts, so that two texts are not the same as one.
    mutating func combine(_ text: String) {
        for byte in text.utf8 { self.combine(byte: byte) }
        self.combine(byte: 0xFF)
    }

    mutating func combine(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        for index in range { self.combine(byte: bytes[index]) }
    }

    mutating func combine(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            self.combine(byte: UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    var value: UInt64 {
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The hash as a number from 0 up to and without 1.
    var unit: Double { Double(self.value >> 11) * 0x1p-53 }
}
