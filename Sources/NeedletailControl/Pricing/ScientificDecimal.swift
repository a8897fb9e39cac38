/// Reads the numbers of price lists exactly: decimal digits with a point and an exponent, as JSON has them.
enum ScientificDecimal {
    /// The number times ten to the power of `scale`, rounded up to a whole number, so that a price never becomes less.
    ///
    /// - Returns: `nil` for what is no number, below zero, or more than fits.
    static func scaled(_ text: String, by scale: Int) -> Int64? {
        let parts = text.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false).flatMap {
            $0.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false)
        }
        guard (1...2).contains(parts.count), let exponent = parts.count == 2 ? Int(parts[1]) : 0,
            (-60...60).contains(exponent)
        else { return nil }
        var (digits, places): (Int128, Int?) = (0, nil)
        var count = 0
        for byte in parts[0].utf8 {
            if byte == UInt8(ascii: "."), places == nil {
                places = 0
                continue
            }
            guard (0x30...0x39).contains(byte), count < 30 else { return nil }
            count += 1
            digits = digits * 10 + Int128(byte - 0x30)
            if let known = places { places = known + 1 }
        }
        guard count > 0 else { return nil }
        var shift = exponent + scale - (places ?? 0)
        while shift > 0 {
            let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            digits = product
            shift -= 1
        }
        var isCut = false
        while shift < 0 {
            let (quotient, rest) = digits.quotientAndRemainder(dividingBy: 10)
            isCut = isCut || rest != 0
            digits = quotient
            shift += 1
        }
        return Int64(exactly: digits + (isCut ? 1 : 0))
    }
}
