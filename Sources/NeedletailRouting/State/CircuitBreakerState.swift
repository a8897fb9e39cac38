public import NeedletailCore

/// Whether a deployment may be called, judged by how its last calls ended. Pure.
///
/// Closed, it counts failures in a row and the share of failures within a sliding window; either opens it. Open, it
/// lets nothing through until its time is over. Half open, it lets a few probes through: enough successes close it, one
/// failure opens it again for twice as long. A call's end counts only for the spell in which the call began, so that
/// what was sent before an outage does not judge the recovery. A neutral end (the client's fault, the client left)
/// frees its probe and counts for nothing.
public struct CircuitBreakerState: Sendable, Hashable {
    /// The three positions.
    public enum Phase: String, Sendable, Hashable {
        /// Calls pass.
        case closed
        /// Nothing passes.
        case open
        /// Probes pass.
        case halfOpen = "half_open"
    }

    /// What an operator has ordered, whatever the calls say.
    public enum Override: String, Sendable, Hashable {
        /// Nothing passes.
        case open
        /// Everything passes.
        case closed
    }

    /// What a call was admitted as; goes back with its end.
    struct Ticket: Sendable, Hashable {
        fileprivate var spell: UInt64
        /// Whether it takes one of the places of ``CircuitBreakerPolicy/halfOpenLimit``.
        var isProbe: Bool

        /// What ``admit(now:)`` gives while it is closed and not held open.
        static func plain(_ spell: UInt64) -> Self { Self(spell: spell, isProbe: false) }
    }

    /// Whether a call may begin.
    enum Permission: Sendable, Hashable {
        case allowed(Ticket)
        /// Not now; `until` is when a probe may pass, where that is known.
        case refused(until: Instant?)
    }

    /// When it opens and closes; `nil` when it is switched off.
    private(set) var policy: CircuitBreakerPolicy?
    /// What an operator has ordered.
    private(set) var override: Override?
    /// Where it stands, time apart: an open breaker whose time is over is half open for whoever asks next.
    private(set) var phase = Phase.closed
    /// Failures in a row while closed.
    private(set) var consecutiveFailures = 0
    /// How often it has opened since it was last closed.
    private(set) var openings = 0
    /// Probes that run.
    private(set) var probes = 0
    /// Probes that went well in this spell.
    private(set) var successes = 0
    private var openUntil = Instant(nanoseconds: .min)
    /// Grows with every change of phase.
    private(set) var spell: UInt64 = 0
    private var window: OutcomeWindow

    /// Creates a closed breaker.
    init(_ policy: CircuitBreakerPolicy?) {
        self.policy = policy
        self.window = OutcomeWindow(length: Self.length(policy))
    }

    private static func length(_ policy: CircuitBreakerPolicy?) -> Duration {
        policy?.window ?? CircuitBreakerPolicy().window
    }

    // MARK: Calls

    /// Whether a call could begin, and when else; changes nothing.
    func refusal(now: Instant) -> (isRefused: Bool, until: Instant?) {
        switch self.override {
        case .open: return (true, nil)
        case .closed: return (false, nil)
        case nil: break
        }
        switch self.phase {
        case .closed: return (false, nil)
        case .open: return now >= self.openUntil ? (false, nil) : (true, self.openUntil)
        // A probe may end at any time: nobody knows when.
        case .halfOpen: return (self.probes >= self.policy?.halfOpenLimit ?? 1, nil)
        }
    }

    /// Admits a call or not.
    mutating func admit(now: Instant) -> Permission {
        let refusal = self.refusal(now: now)
        guard !refusal.isRefused else { return .refused(until: refusal.until) }
        if self.override == nil, self.phase == .open {
            self.enter(.halfOpen)
        }
        let isProbe = self.override == nil && self.phase == .halfOpen
        if isProbe { self.probes += 1 }
        return .allowed(Ticket(spell: self.spell, isProbe: isProbe))
    }

    /// Takes note of a call's end; exactly once for each that was admitted.
    ///
    /// - Parameter unit: A random number from 0 up to 1, for the time open.
    mutating func record(_ verdict: AttemptResult.Verdict, of ticket: Ticket, now: Instant, unit: Double) {
        guard ticket.spell == self.spell else { return }
        if ticket.isProbe { self.probes -= 1 }
        switch (self.phase, verdict) {
        case (_, .neutral), (.open, _): break
        case (.closed, .success):
            self.consecutiveFailures = 0
            self.window.add(isFailure: false, now: now)
        case (.closed, .failure):
            self.consecutiveFailures += 1
            self.window.add(isFailure: true, now: now)
            if self.hasTooManyFailures(now) { self.open(now: now, unit: unit) }
        case (.halfOpen, .success):
            self.successes += 1
            if self.successes >= self.policy?.successThreshold ?? 1 { self.close() }
        case (.halfOpen, .failure): self.open(now: now, unit: unit)
        }
    }

    private func hasTooManyFailures(_ now: Instant) -> Bool {
        guard let policy = self.policy else { return false }
        if self.consecutiveFailures >= policy.failureThreshold { return true }
        guard let rate = policy.errorRate else { return false }
        let (calls, failures) = self.window.counts(now: now)
        return calls >= policy.minimumRequests && Double(failures) >= rate * Double(calls)
    }

    private mutating func open(now: Instant, unit: Double) {
        self.openings += 1
        self.enter(.open)
        self.openUntil = now.advanced(
            by: (self.policy ?? CircuitBreakerPolicy()).recovery(opening: self.openings, unit: unit))
    }

    private mutating func close() {
        self.enter(.closed)
        self.openings = 0
        self.window = OutcomeWindow(length: Self.length(self.policy))
    }

    private mutating func enter(_ phase: Phase) {
        self.phase = phase
        self.spell += 1
        self.consecutiveFailures = 0
        self.probes = 0
        self.successes = 0
    }

    // MARK: Operators

    /// Opens it as if the threshold had been reached.
    mutating func trip(now: Instant, unit: Double) {
        self.override = nil
        self.open(now: now, unit: unit)
    }

    /// Closes it and forgets all failures, an order included.
    mutating func reset() {
        self.override = nil
        self.close()
    }

    /// Holds it open or closed whatever happens; `nil` lets it go on from where it was.
    mutating func force(_ override: Override?) {
        self.override = override
    }

    /// Takes another policy over, for a configuration that has changed; what has been counted stays.
    mutating func adopt(_ policy: CircuitBreakerPolicy?) {
        if Self.length(policy) != Self.length(self.policy) { self.window = OutcomeWindow(length: Self.length(policy)) }
        self.policy = policy
        // Whoever switches it off wants it shut; an operator's order stays.
        if policy == nil, self.phase != .closed { self.close() }
    }

    // MARK: Looking at it

    /// What is shown of a breaker.
    public struct Snapshot: Sendable, Hashable {
        /// Where it stands: `half_open` also when it is open and its time is over.
        public var phase: Phase
        /// What an operator has ordered.
        public var override: Override?
        /// Failures in a row.
        public var consecutiveFailures: Int
        /// Calls within the window.
        public var windowCalls: Int
        /// Failures among them.
        public var windowFailures: Int
        /// How often it has opened since it was last closed.
        public var openings: Int
        /// Probes that run.
        public var probes: Int
        /// When it may be probed, while it is open.
        public var opensUntil: Instant?

        /// The word for it: the order where there is one, else the phase.
        public var word: String {
            switch self.override {
            case .open: "forced_open"
            case .closed: "forced_closed"
            case nil: self.phase.rawValue
            }
        }
    }

    /// What it is like now.
    func snapshot(now: Instant) -> Snapshot {
        let isOver = self.phase == .open && now >= self.openUntil
        let (calls, failures) = self.window.counts(now: now)
        return Snapshot(
            phase: isOver ? .halfOpen : self.phase, override: self.override,
            consecutiveFailures: self.consecutiveFailures, windowCalls: calls, windowFailures: failures,
            openings: self.openings, probes: self.probes,
            opensUntil: self.phase == .open && !isOver ? self.openUntil : nil)
    }
}
