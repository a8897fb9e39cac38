/// An amount of dollars, exact to a billionth.
public struct Money: Sendable, Hashable, CustomStringConvertible {
    /// Billionths of a dollar.
    public var nanodollars: Int64

    /// Creates an amount.
    public init(nanodollars: Int64) {
        self.nanodollars = nanodollars
    }

    /// Reads decimal dollars with at most nine places, `10.00`.
    public init?(_ text: String) {
        guard DecimalText.isDecimal(text) else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1)
        let places = parts.count == 2 ? String(parts[1]) : ""
        guard places.utf8.count <= 9, let whole = Int64(parts[0]),
            let fraction = Int64(places + String(repeating: "0", count: 9 - places.utf8.count))
        else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowed) = product.addingReportingOverflow(fraction)
        guard !overflow, !overflowed else { return nil }
        self.nanodollars = sum
    }

    /// Decimal dollars with at least two places.
    public var description: String {
        let whole = self.nanodollars / 1_000_000_000
        var places = String(self.nanodollars.magnitude % 1_000_000_000)
        places = String(repeating: "0", count: 9 - places.utf8.count) + places
        while places.utf8.count > 2, places.hasSuffix("0") { places.removeLast() }
        return "\(self.nanodollars < 0 && whole == 0 ? "-" : "")\(whole).\(places)"
    }
}
