/// Hashing that gives the same number in every process, unlike `Hasher`: replicas agree on where a session lives.
package struct StableHash: Sendable {
    /// The hash so far, before it is mixed: FNV-1a, <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>.
    private var state: UInt64

    /// Begins a hash; another seed is another hash.
    package init(seed: UInt64 = 0) {
        self.state = 0xcbf2_9ce4_8422_2325 ^ seed
    }

    /// The hash of everything that was added.
    package var value: UInt64 { Self.mix(self.state) }

    /// Adds a byte.
    package mutating func add(_ byte: UInt8) {
        self.state = (self.state ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    /// Adds bytes.
    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { self.add(byte) }
    }

    /// Adds a text and its end, so that two texts are not the same as one.
    package mutating func combine(_ text: String) {
        self.add(text.utf8)
        self.add(0xFF)
    }

    /// Adds a number.
    package mutating func combine(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { self.add(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    /// Adds some of the bytes of a buffer.
    package mutating func add(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        for index in range { self.add(bytes[index]) }
    }

    /// The hash as a number from 0 up to and without 1.
    package var unit: Double { Self.unit(self.value) }

    /// The hash of a text.
    package static func of(_ text: String) -> UInt64 {
        var hash = Self()
        hash.add(text.utf8)
        return hash.value
    }

    /// Spreads a number over all bits: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    package static func mix(_ number: UInt64) -> UInt64 {
        var mixed = number &+ 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to and without 1.
    package static func unit(_ hash: UInt64) -> Double {
        Double(hash >> 11) * 0x1p-53
    }
}
