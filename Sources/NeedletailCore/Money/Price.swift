/// What a provider bills for one model: rates by service tier, dearer ones for long contexts, others at certain hours, and
/// a discount that the operator has.
public struct Price: Sendable, Hashable {
    /// Rates by service tier.
    public struct Schedule: Sendable, Hashable {
        /// As usual.
        public var standard: PriceRates
        /// Of the other tiers, where the provider lists them.
        public var others: [ServiceTier: PriceRates]

        /// Creates a schedule.
        public init(_ standard: PriceRates = PriceRates(), others: [ServiceTier: PriceRates] = [:]) {
            self.standard = standard
            self.others = others
        }
    }

    /// Rates for the whole request once its input is longer.
    public struct Tier: Sendable, Hashable {
        /// Input tokens above which the rates hold.
        public var above: Int
        /// The rates; a kind that has none here keeps that of the tier below.
        public var schedule: Schedule

        /// Creates a tier.
        public init(above: Int, _ schedule: Schedule) {
            self.above = above
            self.schedule = schedule
        }
    }

    /// Rates at certain hours.
    public struct OffPeak: Sendable, Hashable {
        /// When.
        public var windows: [PriceWindow]
        /// The rates of the standard tier then; a kind that has none here keeps its usual one.
        public var rates: PriceRates

        /// Creates rates.
        public init(windows: [PriceWindow], rates: PriceRates) {
            self.windows = windows
            self.rates = rates
        }
    }

    /// More units of one kind than this are a provider's nonsense and count as so many.
    public static let maximumUnits = 1_000_000_000_000

    /// The rates of short contexts.
    public var base: Schedule
    /// Those of longer ones, the shortest first.
    public var tiers: [Tier]
    /// Those of certain hours.
    public var offPeak: OffPeak?
    /// What is taken off the sum, in millionths, 0 to 1 000 000; the rest is rounded up to a whole pico-dollar, so that a
    /// discount never makes a cost less than what is owed.
    public var discount: Int64
    /// Whether these are the rates of somebody who serves the same model, taken for want of the provider's own.
    public var isBorrowed: Bool
    /// Where the rates were read.
    public var source: String
    /// When, as `2026-11-12`; also the version that the ledger notes.
    public var date: String

    /// Creates a price.
    public init(
        _ base: Schedule,
        tiers: [Tier] = [],
        offPeak: OffPeak? = nil,
        discount: Int64 = 0,
        isBorrowed: Bool = false,
        source: String = "",
        date: String = ""
    ) {
        self.base = base
        self.tiers = tiers.sorted { $0.above < $1.above }
        self.offPeak = offPeak
        self.discount = min(max(discount, 0), 1_000_000)
        self.isBorrowed = isBorrowed
        self.source = source
        self.date = date
    }

    /// Everything for nothing, as on one's own machine.
    public static let free = Self(
        Schedule(PriceRates(Dictionary(uniqueKeysWithValues: PriceKind.allCases.map { ($0, 0) }))),
        source: "self-hosted")

    /// `amount` less the discount.
    func discounted(_ amount: Int128) -> Money {
        guard self.discount > 0 else { return Money(picodollars: amount) }
        let (quotient, rest) = (amount * Int128(1_000_000 - self.discount)).quotientAndRemainder(dividingBy: 1_000_000)
        return Money(picodollars: rest > 0 ? quotient + 1 : quotient)
    }
}
