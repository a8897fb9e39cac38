/// How much a client's key may use; `nil` for no bound.
///
/// Holds 128-bit money: not to be returned by an asynchronous function that throws a typed error, where Swift 6.3 jumps
/// astray.
public struct KeyLimits: Sendable, Hashable {
    /// What may be spent in a stretch of time.
    public struct Budget: Sendable, Hashable {
        /// How much.
        public var limit: Money
        /// In which time: `minute`, `hour`, `day`, `week`, `month` or `total`, by the calendar, UTC.
        public var period: String
        /// Thousandths of the limit at which the operator is told, in order. Default 800.
        public var warnings: [Int]
        /// Whether a request gets as much output as what is left buys. Default false.
        public var clamps: Bool
        /// What becomes of a request that it does not cover; `nil` for a refusal.
        public var exhaustion: Exhaustion?

        /// Creates a budget.
        public init(
            limit: Money, period: String = "total", warnings: [Int] = [800], clamps: Bool = false,
            exhaustion: Exhaustion? = nil
        ) {
            self.limit = limit
            self.period = period
            self.warnings = warnings
            self.clamps = clamps
            self.exhaustion = exhaustion
        }
    }

    /// What becomes of a request that a budget does not cover.
    public enum Exhaustion: Sendable, Hashable {
        /// The group of this name answers.
        case downgrade(String)
        /// It waits for the next stretch of time, if that comes within so many milliseconds.
        case queue(milliseconds: Int)
    }

    /// Requests at a time, streams to their end; from 1.
    public var concurrency: Int?
    /// Requests a minute; from 1.
    public var rpm: Int?
    /// Requests an hour; from 1.
    public var rph: Int?
    /// Tokens a minute, input and output together; from 1.
    public var tpm: Int?
    /// The most requests at once, of those that the rate allows; from 1.
    public var burst: Int?
    /// Dollars a day, UTC.
    public var dailyBudget: Money?
    /// Dollars a call.
    public var costPerRequest: Money?
    /// What may be spent.
    public var budget: Budget?
    /// Who goes first when not all can; `nil` for normal.
    public var priority: RequestPriority?

    /// No bounds.
    public init() {}

    /// Whether it bounds nothing.
    public var isEmpty: Bool { self == Self() }
}
