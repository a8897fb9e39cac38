import NeedletailCore

/// One rule about one thing: quiet, about to tell, or told. Pure.
struct AlertState: Sendable {
    /// Where it stands.
    enum Phase: Sendable, Hashable {
        /// Nothing is wrong.
        case quiet
        /// It is bad, not yet for long enough.
        case pending(since: Instant)
        /// It has been told.
        case firing(since: Instant)
    }

    /// What has changed.
    enum Change: Sendable, Hashable {
        case fired
        case resolved
    }

    private(set) var phase = Phase.quiet
    /// The last value that was known.
    private(set) var value: Double?
    private var lastKnown: Instant?

    /// Takes in a value.
    ///
    /// - Parameter value: `nil` where nothing can be said: too few requests, or the thing is gone.
    mutating func observe(_ value: Double?, _ rule: AlertRule, now: Instant) -> Change? {
        guard let value else { return self.observeNothing(rule, now: now) }
        self.value = value
        self.lastKnown = now
        switch self.phase {
        case .quiet where rule.isBad(value):
            self.phase = .pending(since: now)
            return self.fireIfDue(rule, now: now)
        case .pending where rule.isBad(value): return self.fireIfDue(rule, now: now)
        case .pending:
            self.phase = .quiet
            return nil
        case .firing where rule.isGood(value):
            self.phase = .quiet
            return .resolved
        case .quiet, .firing: return nil
        }
    }

    private mutating func fireIfDue(_ rule: AlertRule, now: Instant) -> Change? {
        guard case .pending(let since) = self.phase, now.duration(since: since) >= rule.holds else { return nil }
        self.phase = .firing(since: since)
        return .fired
    }

    /// What was told stays so for a while: traffic that stops is no recovery.
    private mutating func observeNothing(_ rule: AlertRule, now: Instant) -> Change? {
        switch self.phase {
        case .quiet: return nil
        case .pending:
            self.phase = .quiet
            return nil
        case .firing(let since):
            guard now.duration(since: self.lastKnown ?? since) >= rule.memory else { return nil }
            self.phase = .quiet
            return .resolved
        }
    }

    /// Whether nothing would be lost if it were forgotten.
    var isQuiet: Bool { self.phase == .quiet }
}
