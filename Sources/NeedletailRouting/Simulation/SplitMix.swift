import NeedletailCore

/// SplitMix64 (Steele, Lea, Flood 2014) as a value: for states that hold their own randomness.
struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(_ seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to and without 1.
    mutating func unit() -> Double {
        Double(self.next() >> 11) * 0x1p-53
    }
}

extension UInt64 {
    /// The seed of a part of a simulation: parts with different names draw different numbers, whatever the others draw.
    func seed(of part: String) -> UInt64 {
        var trace = SimulationTrace()
        trace.add(self)
        trace.add(part)
        return trace.hash
    }
}
