import NeedletailCore

/// What one request has tried, and whom it may ask yet. Pure.
///
/// Own targets that have not been asked come first, then fallbacks, each at once; then those again that may do better
/// the second time, each after its own pause: what its provider asked for, else its backoff.
struct Attempts: Sendable {
    /// In which order targets are asked.
    enum Rank: Sendable, Hashable, CaseIterable {
        /// Own targets for the first time.
        case own
        /// Fallbacks for the first time, in the order of their list.
        case fallback
        /// Whoever may be asked again.
        case again
    }

    private struct Record: Sendable {
        var calls = 0
        var readyAt = Instant(nanoseconds: .min)
    }

    private let ranks: TargetRanks
    /// By target; empty until something fails.
    private var records: [Record] = []
    private var own: TargetSet
    private var fallbacks: TargetSet
    private var again = TargetSet()
    /// What the failures come to.
    private(set) var failures = FailureSummary()

    init(_ ranks: TargetRanks) {
        self.ranks = ranks
        self.own = ranks.own
        self.fallbacks = ranks.fallbacks
    }

    /// Whether nobody is left, now or later.
    var isOver: Bool { self.own.isEmpty && self.fallbacks.isEmpty && self.again.isEmpty }

    /// Whom a rank consists of at a time.
    func candidates(_ rank: Rank, now: Instant) -> TargetSet {
        switch rank {
        case .own: return self.own
        case .fallback: return self.fallbacks
        case .again:
            var ready = self.again
            for index in self.again where self.records[index].readyAt > now { ready.remove(index) }
            return ready
        }
    }

    /// Puts targets behind all others, fallbacks included.
    mutating func postpone(_ isUnwanted: (Target) -> Bool) {
        for (index, target) in self.ranks.targets.enumerated() where self.own.contains(index) && isUnwanted(target) {
            if self.records.isEmpty { self.records = Array(repeating: Record(), count: self.ranks.targets.count) }
            self.own.remove(index)
            self.again.insert(index)
        }
    }

    /// When the next one that may be asked again is ready; `nil` when there is none that is not.
    func nextReady(after now: Instant) -> Instant? {
        var next: Instant?
        for index in self.again where self.records[index].readyAt > now {
            next = min(next ?? self.records[index].readyAt, self.records[index].readyAt)
        }
        return next
    }

    /// Whether a target may have another call of this request.
    func hasCallsLeft(_ index: Int) -> Bool {
        (self.records.isEmpty ? 0 : self.records[index].calls) < self.ranks.targets[index].retry.maximumAttempts
    }

    /// Leaves out all targets but some, fallbacks included.
    mutating func keep(_ isWanted: (Target) -> Bool) {
        for (index, target) in self.ranks.targets.enumerated() where !isWanted(target) { self.exclude(index) }
    }

    /// Leaves a target out for good.
    mutating func exclude(_ index: Int) {
        self.own.remove(index)
        self.fallbacks.remove(index)
        self.again.remove(index)
    }

    /// Leaves out a target that cannot answer this request.
    mutating func reject(_ index: Int, _ error: NeedletailError) {
        self.failures.addUnfit(error)
        self.drop(index, error)
    }

    /// Leaves a target out; when it was the last, those for the reason of its refusal follow.
    private mutating func drop(_ index: Int, _ error: NeedletailError) {
        self.exclude(index)
        guard self.own.isEmpty, self.fallbacks.isEmpty, let reason = error.reason else { return }
        self.turn(to: reason)
    }

    /// Takes note of a failure.
    ///
    /// - Parameter unit: A random number from 0 up to 1, for the backoff.
    mutating func failed(_ error: NeedletailError, of index: Int, now: Instant, unit: Double) {
        if self.records.isEmpty { self.records = Array(repeating: Record(), count: self.ranks.targets.count) }
        self.records[index].calls += 1
        self.failures.add(error, now: now)
        let retry = error.disposition.retry
        guard retry != .never else {
            // The request itself is refused: only a target for such requests may do better.
            (self.own, self.fallbacks, self.again) = (TargetSet(), TargetSet(), TargetSet())
            if let reason = error.reason { self.turn(to: reason) }
            return
        }
        let mayComeBack = (retry == .sameTarget || error.hasOtherCredential) && self.hasCallsLeft(index)
        guard mayComeBack else { return self.drop(index, error) }
        // Its other key may be asked at once.
        if error.hasOtherCredential { return }
        self.own.remove(index)
        self.fallbacks.remove(index)
        let backoff = self.ranks.targets[index].retry.backoff
        let delay = error.retryAfter ?? backoff.delay(beforeRepetition: self.records[index].calls, unit: unit)
        // Nobody waits longer than the policy allows: the client is told instead, and decides.
        guard delay <= backoff.maximum else { return self.exclude(index) }
        self.records[index].readyAt = now.advanced(by: delay)
        self.again.insert(index)
    }

    /// Goes on with the targets for a reason, but those that have been asked.
    private mutating func turn(to reason: NeedletailError.Reason) {
        for index in self.ranks.fallbacks(for: reason) where self.records.isEmpty || self.records[index].calls == 0 {
            self.fallbacks.insert(index)
        }
    }
}
