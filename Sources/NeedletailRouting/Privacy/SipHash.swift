/// SipHash-2-4 (Aumasson, Bernstein 2012): a short keyed hash that tells nobody without the key what was hashed.
struct SipHash: Sendable {
    /// The key.
    struct Key: Sendable {
        var low: UInt64
        var high: UInt64
    }

    /// The hash of `bytes`.
    static func hash(_ bytes: some Sequence<UInt8>, key: Key) -> UInt64 {
        var state = Self(key)
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in bytes {
            word |= UInt64(byte) << (8 * (count & 7))
            count += 1
            if count & 7 == 0 {
                state.add(word)
                word = 0
            }
        }
        state.add(word | count << 56)
        state.v2 ^= 0xff
        for _ in 0..<4 { state.round() }
        return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }

    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    private init(_ key: Key) {
        self.v0 = key.low ^ 0x736f_6d65_7073_6575
        self.v1 = key.high ^ 0x646f_7261_6e64_6f6d
        self.v2 = key.low ^ 0x6c79_6765_6e65_7261
        self.v3 = key.high ^ 0x7465_6462_7974_6573
    }

    private mutating func add(_ word: UInt64) {
        self.v3 ^= word
        self.round()
        self.round()
        self.v0 ^= word
    }

    private mutating func round() {
        self.v0 &+= self.v1
        self.v1 = Self.rotate(self.v1, 13) ^ self.v0
        self.v0 = Self.rotate(self.v0, 32)
        self.v2 &+= self.v3
        self.v3 = Self.rotate(self.v3, 16) ^ self.v2
        self.v0 &+= self.v3
        self.v3 = Self.rotate(self.v3, 21) ^ self.v0
        self.v2 &+= self.v1
        self.v1 = Self.rotate(self.v1, 17) ^ self.v2
        self.v2 = Self.rotate(self.v2, 32)
    }

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
}
