import NeedletailCore

/// What one request has tried, and what may follow a failure. Pure.
struct Attempts {
    /// What follows a failure.
    enum Step: Equatable {
        /// Nothing: the failure is the answer.
        case giveUp
        /// Another attempt, at once or not before `at`, on one of ``Attempts/fresh``.
        case askAgain(at: Instant?)
    }

    private let targets: [Target]
    private let maximum: Int
    private var total = 0
    private var perTarget: [Int]
    /// Targets that may be asked a second time.
    private var repeatable: TargetSet
    /// Targets that may be asked now.
    private(set) var fresh: TargetSet

    /// - Parameter spent: The calls that the request has made before, for an answer whose stream broke.
    init(targets: [Target], maximum: Int, spent: Int = 0) {
        self.targets = targets
        self.maximum = maximum
        self.total = spent
        self.perTarget = Array(repeating: 0, count: targets.count)
        self.fresh = TargetSet(count: targets.count)
        self.repeatable = TargetSet(count: targets.count)
    }

    /// Leaves out all targets but some.
    mutating func keep(_ isWanted: (Target) -> Bool) {
        for index in self.targets.indices where !isWanted(self.targets[index]) {
            self.fresh.remove(index)
            self.repeatable.remove(index)
        }
    }

    /// Whether there may be no other call.
    var isSpent: Bool { self.total >= self.maximum }

    /// Puts targets behind all others, unless there are no others.
    mutating func postpone(_ isUnwanted: (Target) -> Bool) {
        var wanted = self.fresh
        for index in self.targets.indices where isUnwanted(self.targets[index]) { wanted.remove(index) }
        if !wanted.isEmpty { self.fresh = wanted }
    }

    /// Takes note of a failure and decides what follows.
    ///
    /// - Parameter unit: A random number from 0 up to 1, for the backoff.
    mutating func next(
        after error: NeedletailError,
        of index: Int,
        deadline: Instant?,
        now: Instant,
        unit: Double
    ) -> Step {
        self.total += 1
        self.perTarget[index] += 1
        let retry = error.disposition.retry
        guard retry != .never, self.total < self.maximum else { return .giveUp }
        if let deadline, now >= deadline { return .giveUp }

        let policy = self.targets[index].retry
        let mayComeBack =
            (retry == .sameTarget || error.hasOtherCredential) && self.perTarget[index] < policy.maximumAttempts
        if !mayComeBack { self.repeatable.remove(index) }
        if mayComeBack, error.hasOtherCredential { return .askAgain(at: nil) }

        self.fresh.remove(index)
        guard self.fresh.isEmpty else { return .askAgain(at: nil) }

        // Everybody has been asked: those that may do better the second time are asked again, after a pause.
        self.fresh = self.repeatable
        guard !self.fresh.isEmpty else { return .giveUp }
        let delay: Duration
        if let asked = error.retryAfter {
            // Nobody waits longer than the policy allows: the client is told instead, and decides.
            guard asked <= policy.backoff.maximum else { return .giveUp }
            delay = asked
        } else {
            delay = policy.backoff.delay(beforeRepetition: self.perTarget[index], unit: unit)
        }
        let wake = now.advanced(by: delay)
        if let deadline, wake >= deadline { return .giveUp }
        return .askAgain(at: wake)
    }
}
