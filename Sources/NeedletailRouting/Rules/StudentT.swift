/// Student's distribution, as far as intervals of 95 % need it.
enum StudentT {
    /// The normal distribution's quantile at 0.975.
    static let normal = 1.959_963_984_540_054

    /// The quantile at 0.975.
    ///
    /// The first two are exact; above, Cornish and Fisher's expansion (Abramowitz and Stegun, 26.7.5), within 0.3 % at
    /// three degrees of freedom and better beyond. Between whole degrees it is continuous from three on.
    static func quantile(degrees: Double) -> Double {
        // Below two the curve is steep; Satterthwaite's degrees are never below the smaller sample's less one.
        if degrees < 1.5 { return 12.706_204_736_4 }
        if degrees < 2.5 { return 4.302_652_729_9 }
        let z = Self.normal
        let (z3, z5, z7, z9) = (
            z * z * z, z * z * z * z * z, z * z * z * z * z * z * z, z * z * z * z * z * z * z * z * z
        )
        let first = (z3 + z) / 4
        let second = (5 * z5 + 16 * z3 + 3 * z) / 96
        let third = (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / 384
        let fourth = (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / 92_160
        let n = degrees
        return z + first / n + second / (n * n) + third / (n * n * n) + fourth / (n * n * n * n)
    }
}
