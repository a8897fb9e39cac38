/// What happened in a simulation, as one number: equal on every replay of the same build.
///
/// FNV-1a of 64 bits, whose constants are those of <http://www.isthe.com/chongo/tech/comp/fnv/>. The standard library's
/// hasher is seeded by the process and so cannot be used.
public struct SimulationTrace: Sendable, Hashable {
    /// The number.
    public private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// How many things have been added.
    public private(set) var count = 0

    /// Creates the trace of nothing.
    public init() {}

    /// Adds a number.
    public mutating func add(_ value: UInt64) {
        self.count += 1
        for shift in stride(from: UInt64(0), to: 64, by: 8) { self.mix(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// Adds a number.
    public mutating func add(_ value: Int64) {
        self.add(UInt64(bitPattern: value))
    }

    /// Adds a text.
    public mutating func add(_ text: String) {
        self.count += 1
        for byte in text.utf8 { self.mix(byte) }
        self.mix(0xFF)
    }

    private mutating func mix(_ byte: UInt8) {
        self.hash = (self.hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
}
