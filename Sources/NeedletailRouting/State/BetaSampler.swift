#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Draws from a beta distribution, from one seed: a request asks the ``RandomSource``, which may be a system call, once.
struct BetaSampler {
    private var state: UInt64
    /// The second of the two numbers that the polar method makes.
    private var spare: Double?

    init(seed: UInt64) {
        self.state = seed
    }

    /// A number from 0 to 1 whose mean is `a / (a + b)`.
    ///
    /// - Parameters:
    ///   - a: At least 1.
    ///   - b: At least 1.
    mutating func beta(_ a: Double, _ b: Double) -> Double {
        let first = self.gamma(a)
        let second = self.gamma(b)
        return first / (first + second)
    }

    /// Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000; for shapes of at least 1.
    private mutating func gamma(_ shape: Double) -> Double {
        let d = shape - 1 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = self.normal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            let u = self.unit()
            if u < 1 - 0.0331 * x * x * x * x { return d * v }
            if log(max(u, 0x1p-60)) < 0.5 * x * x + d * (1 - v + log(v)) { return d * v }
        }
    }

    /// Marsaglia's polar method.
    private mutating func normal() -> Double {
        if let spare = self.spare {
            self.spare = nil
            return spare
        }
        while true {
            let x = 2 * self.unit() - 1
            let y = 2 * self.unit() - 1
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            let scale = (-2 * log(square) / square).squareRoot()
            self.spare = y * scale
            return x * scale
        }
    }

    /// From 0 up to and without 1.
    mutating func unit() -> Double {
        StableHash.unit(self.next())
    }

    /// 64 random bits.
    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        return StableHash.mix(self.state)
    }
}
