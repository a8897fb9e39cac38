import NeedletailCore

/// How many attempts beyond the first a group's requests may make together. Pure, in integers.
///
/// As Finagle's: every request pays in a share of an attempt, which is good for ten seconds; on top of that so many
/// attempts a second are free, so that quiet groups may retry at all. Within any time, attempts beyond the first are at
/// most `ratio` × requests + `perSecond` × (seconds + 1).
/// <https://twitter.github.io/finagle/guide/Clients.html#retries>
struct RetryBudgetState: Sendable, Hashable {
    /// Millionths of an attempt.
    private static let whole: Int64 = 1_000_000
    private static let lifetime: Int64 = 10
    private static let second: Int64 = 1_000_000_000

    private struct Deposit: Sendable, Hashable {
        var second = Int64.min
        var parts: Int64 = 0
    }

    private let share: Int64
    private var floor: TokenBucketState?
    private var deposits = Array(repeating: Deposit(), count: Int(Self.lifetime))

    /// - Parameters:
    ///   - ratio: What a request pays in, from 0.
    ///   - perSecond: Free attempts a second, from 0; as many may be made at once.
    init(ratio: Double, perSecond: Int, now: Instant) {
        self.share = Int64((max(0, min(ratio, 100)) * Double(Self.whole)).rounded())
        self.floor =
            perSecond > 0 ? TokenBucketState(rate: perSecond, per: .seconds(1), capacity: perSecond, now: now) : nil
    }

    /// Pays in for a request.
    mutating func deposit(now: Instant) {
        guard self.share > 0 else { return }
        self.deposit(self.share, now: now)
    }

    /// Gives back attempts that were taken and not made; they are good for as long as a deposit is.
    mutating func giveBack(_ count: Int, now: Instant) {
        self.deposit(Int64(max(0, count)) * Self.whole, now: now)
    }

    private mutating func deposit(_ parts: Int64, now: Instant) {
        let second = Self.number(now)
        let place = Self.place(second)
        if self.deposits[place].second != second { self.deposits[place] = Deposit(second: second) }
        self.deposits[place].parts += parts
    }

    /// Whether an attempt could be taken; changes nothing.
    func canWithdraw(now: Instant) -> Bool {
        (self.floor?.level(now: now) ?? 0) >= 1 || self.balance(now) >= Self.whole
    }

    /// Takes an attempt if there is one: a free one first, which would be lost otherwise.
    mutating func withdraw(now: Instant) -> Bool {
        if self.floor?.take(1, now: now) == true { return true }
        guard self.balance(now) >= Self.whole else { return false }
        var rest = Self.whole
        let second = Self.number(now)
        // The oldest first: they are lost first.
        for age in stride(from: Self.lifetime - 1, through: 0, by: -1) where rest > 0 {
            let place = Self.place(second - age)
            guard self.deposits[place].second == second - age else { continue }
            let taken = min(rest, self.deposits[place].parts)
            self.deposits[place].parts -= taken
            rest -= taken
        }
        return true
    }

    private func balance(_ now: Instant) -> Int64 {
        let second = Self.number(now)
        var sum: Int64 = 0
        for deposit in self.deposits where deposit.second > second - Self.lifetime && deposit.second <= second {
            sum += deposit.parts
        }
        return sum
    }

    private static func number(_ now: Instant) -> Int64 {
        let (quotient, remainder) = now.nanoseconds.quotientAndRemainder(dividingBy: Self.second)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private static func place(_ second: Int64) -> Int {
        let place = Int(second % Self.lifetime)
        return place < 0 ? place + Int(Self.lifetime) : place
    }
}
