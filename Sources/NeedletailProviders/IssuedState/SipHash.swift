/// SipHash-2-4: a keyed hash of 64 bits (Aumasson and Bernstein 2012, <https://www.aumasson.jp/siphash/siphash.pdf>).
///
/// Whoever does not know the key can neither tell what was hashed nor make two texts with one hash.
struct SipHash: Sendable {
    private let first: UInt64
    private let second: UInt64

    /// Creates a hash from a key of 128 bits.
    init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    /// The hash of `bytes`.
    func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var state = State(self.first, self.second)
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in bytes {
            word |= UInt64(byte) << (8 * (count & 7))
            count &+= 1
            guard count & 7 == 0 else { continue }
            state.take(word)
            word = 0
        }
        state.take(word | count << 56)
        return state.end()
    }

    private struct State {
        private var v0: UInt64
        private var v1: UInt64
        private var v2: UInt64
        private var v3: UInt64

        init(_ first: UInt64, _ second: UInt64) {
            self.v0 = first ^ 0x736f_6d65_7073_6575
            self.v1 = second ^ 0x646f_7261_6e64_6f6d
            self.v2 = first ^ 0x6c79_6765_6e65_7261
            self.v3 = second ^ 0x7465_6462_7974_6573
        }

        mutating func take(_ word: UInt64) {
            self.v3 ^= word
            self.round()
            self.round()
            self.v0 ^= word
        }

        mutating func end() -> UInt64 {
            self.v2 ^= 0xff
            for _ in 0..<4 { self.round() }
            return self.v0 ^ self.v1 ^ self.v2 ^ self.v3
        }

        @inline(__always)
        private mutating func round() {
            self.v0 &+= self.v1
            self.v1 = self.v1 << 13 | self.v1 >> 51
            self.v1 ^= self.v0
            self.v0 = self.v0 << 32 | self.v0 >> 32
            self.v2 &+= self.v3
            self.v3 = self.v3 << 16 | self.v3 >> 48
            self.v3 ^= self.v2
            self.v0 &+= self.v3
            self.v3 = self.v3 << 21 | self.v3 >> 43
            self.v3 ^= self.v0
            self.v2 &+= self.v1
            self.v1 = self.v1 << 17 | self.v1 >> 47
            self.v1 ^= self.v2
            self.v2 = self.v2 << 32 | self.v2 >> 32
        }
    }
}
