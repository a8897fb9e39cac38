/// Pico-dollars for one unit of each kind. A kind without a rate is unknown, which is not zero.
public struct PriceRates: Sendable, Hashable {
    /// The dearest rate that is believed: a thousand dollars a unit. With ``Price/maximumUnits`` no sum overflows.
    public static let maximum: Int64 = 1_000_000_000_000_000
    private static let unknown: Int64 = -1
    private var rates: [Int64]

    /// No rate at all.
    public init() {
        self.rates = Array(repeating: Self.unknown, count: PriceKind.allCases.count)
    }

    /// Creates rates; those below zero or above ``maximum`` are left out.
    public init(_ rates: [PriceKind: Int64]) {
        self.init()
        for (kind, rate) in rates { self[kind] = rate }
    }

    /// The rate of a kind in pico-dollars; `nil` for unknown.
    public subscript(_ kind: PriceKind) -> Int64? {
        get {
            let rate = self.rates[kind.rawValue]
            return rate == Self.unknown ? nil : rate
        }
        set {
            let isSound = newValue.map { $0 >= 0 && $0 <= Self.maximum } ?? false
            self.rates[kind.rawValue] = isSound ? newValue ?? Self.unknown : Self.unknown
        }
    }

    /// Whether nothing is known.
    public var isEmpty: Bool { self.rates.allSatisfy { $0 == Self.unknown } }

    /// These rates, and where one is unknown that of `other`.
    public func filled(from other: Self) -> Self {
        var copy = self
        for index in copy.rates.indices where copy.rates[index] == Self.unknown {
            copy.rates[index] = other.rates[index]
        }
        return copy
    }

    /// The kinds that have a rate, in the order of ``PriceKind``.
    public var known: [(kind: PriceKind, rate: Int64)] {
        PriceKind.allCases.compactMap { kind in self[kind].map { (kind, $0) } }
    }
}
