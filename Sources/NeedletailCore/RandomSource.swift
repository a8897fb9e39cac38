/// Randomness, as a value.
///
/// The live one is the system's; tests and the simulator use a seeded one, so that a failure replays.
public struct RandomSource: Sendable {
    /// 64 random bits.
    public var next: @Sendable () -> UInt64

    /// Creates a source from its function.
    public init(next: @escaping @Sendable () -> UInt64) {
        self.next = next
    }

    /// A number from 0 up to and without 1.
    public func unit() -> Double {
        Double(self.next() >> 11) * 0x1p-53
    }

    /// A source that gives the same numbers for the same seed: SplitMix64 (Steele, Lea, Flood 2014).
    public static func seeded(_ seed: UInt64) -> Self {
        let state = SeedState(seed)
        return Self { state.next() }
    }
}

extension RandomSource {
    /// The source as the standard library's kind of generator.
    public struct Generator: RandomNumberGenerator, Sendable {
        private let source: RandomSource

        /// Draws from `source`.
        public init(_ source: RandomSource) {
            self.source = source
        }

        /// 64 random bits.
        public mutating func next() -> UInt64 { self.source.next() }
    }
}
