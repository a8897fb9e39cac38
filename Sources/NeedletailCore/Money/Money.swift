/// An amount of dollars, exact to a trillionth: a whole number of pico-dollars.
///
/// Providers list prices down to 10⁻¹² dollars a token, so a cost is a sum of products of whole numbers and never
/// passes through floating point. Sums saturate at ±1.7 × 10²⁶ dollars instead of trapping: what a provider counts may
/// be nonsense, and must not stop the gateway.
public struct Money: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Trillionths of a dollar.
    public var picodollars: Int128

    /// Nothing.
    public static let zero = Self(picodollars: 0)

    /// Creates an amount.
    public init(picodollars: Int128) {
        self.picodollars = picodollars
    }

    /// Reads decimal dollars with at most twelve places, `10.00`; an amount below zero or of another form is `nil`.
    public init?(_ text: String) {
        var value: Int128 = 0
        var places: Int?
        var digits = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                guard places == nil, digits > 0 else { return nil }
                places = 0
                continue
            }
            guard byte >= 0x30, byte <= 0x39, digits < 24 else { return nil }
            digits += 1
            value = value * 10 + Int128(byte - 0x30)
            if let count = places {
                guard count < 12 else { return nil }
                places = count + 1
            }
        }
        guard digits > 0, places != 0 else { return nil }
        for _ in (places ?? 0)..<12 { value *= 10 }
        self.picodollars = value
    }

    /// Decimal dollars with at least two places and as many as are needed.
    public var description: String { self.decimal(leastPlaces: 2) }

    /// Decimal dollars with at least so many places, at most twelve; nothing is rounded away.
    public func decimal(leastPlaces: Int) -> String {
        let (whole, rest) = self.picodollars.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000_000)
        // In machine words, since every reply tells its cost: 128 bits are slow to turn into text.
        var (digits, places) = (UInt64(truncatingIfNeeded: rest), 12)
        while places > max(0, leastPlaces), digits % 10 == 0 {
            digits /= 10
            places -= 1
        }
        let dollars = UInt64(exactly: whole).map { String($0) } ?? String(whole)
        let sign = self.picodollars < 0 ? "-" : ""
        guard places > 0 else { return sign + dollars }
        let fraction = String(digits)
        return sign + dollars + "." + String(repeating: "0", count: places - fraction.utf8.count) + fraction
    }

    /// Orders by amount.
    public static func < (left: Self, right: Self) -> Bool { left.picodollars < right.picodollars }

    /// The sum; saturates.
    public static func + (left: Self, right: Self) -> Self {
        let (sum, overflow) = left.picodollars.addingReportingOverflow(right.picodollars)
        return Self(picodollars: overflow ? (right.picodollars < 0 ? .min : .max) : sum)
    }

    /// The difference; saturates.
    public static func - (left: Self, right: Self) -> Self {
        let (difference, overflow) = left.picodollars.subtractingReportingOverflow(right.picodollars)
        return Self(picodollars: overflow ? (right.picodollars < 0 ? .max : .min) : difference)
    }

    /// Adds; saturates.
    public static func += (left: inout Self, right: Self) { left = left + right }
    /// Subtracts; saturates.
    public static func -= (left: inout Self, right: Self) { left = left - right }
}
