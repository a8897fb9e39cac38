import NeedletailCore

/// Keeps refusals from filling the disk: the first of a kind within a minute is told at once, the others are counted and
/// told together when the minute is over; beyond ``distinct`` kinds all are one. Nothing is lost but who, when there are
/// too many. Pure.
struct RefusalCountState: Sendable {
    /// What makes two refusals alike.
    struct Kind: Sendable, Hashable {
        var action: String
        var actor: String
        var peer: String
        var reason: String
        var subject: String = ""

        /// The one that stands for all further ones.
        static let others = Kind(action: "key.refused", actor: "various", peer: "various", reason: "various")
    }

    /// How long refusals are counted together.
    static let window = Duration.seconds(60)
    /// The kinds within a window that are told apart.
    static let distinct = 32

    private var counts: [Kind: Int] = [:]
    private var since = Instant(nanoseconds: .min)

    /// Counts a refusal.
    ///
    /// - Returns: Whether it is to be told at once.
    mutating func add(_ kind: Kind) -> Kind? {
        let isKnown = self.counts[kind] != nil
        let kind = isKnown || self.counts.count < Self.distinct ? kind : .others
        self.counts[kind, default: 0] += 1
        return self.counts[kind] == 1 ? kind : nil
    }

    /// What was counted beyond what was told, when the window is over; the next one begins.
    mutating func take(now: Instant, isClosing: Bool = false) -> [(kind: Kind, count: Int)] {
        guard isClosing || now.duration(since: self.since) >= Self.window else { return [] }
        self.since = now
        let more = self.counts.filter { $0.value > 1 }
            .map { (kind: $0.key, count: $0.value - 1) }
            .sorted { ($0.kind.peer, $0.kind.actor, $0.kind.reason) < ($1.kind.peer, $1.kind.actor, $1.kind.reason) }
        self.counts = [:]
        return more
    }
}
