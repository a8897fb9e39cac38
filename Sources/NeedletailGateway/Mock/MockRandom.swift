import NIOCore

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): every choice of the mock.
struct MockRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(self.state)
    }

    /// A number below `bound`, which is positive.
    mutating func below(_ bound: Int) -> Int {
        Int(self.next() % UInt64(max(1, bound)))
    }

    /// Sixteen hexadecimal digits.
    mutating func hex() -> String {
        let digits = String(self.next(), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A number that depends on both and on nothing else.
    static func combine(_ left: UInt64, _ right: UInt64) -> UInt64 {
        Self.mix(left ^ Self.mix(right &+ 0x9E37_79B9_7F4A_7C15))
    }

    /// FNV-1a (RFC 9923), finished by a mix.
    static func hash(_ bytes: ByteBuffer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let span = bytes.readableBytesUInt8Span
        for index in 0..<span.count { hash = (hash ^ UInt64(span[index])) &* 0x100_0000_01B3 }
        return Self.mix(hash)
    }

    /// The same for text.
    static func hash(_ text: String) -> UInt64 {
        Self.hash(ByteBuffer(string: text))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
