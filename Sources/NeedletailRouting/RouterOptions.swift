import NeedletailCore

/// How a ``Router`` tries, beyond its targets and who chooses among them.
public struct RouterOptions: Sendable {
    /// All calls of one request, the first included; at least 1. Default 3.
    public var maximumAttempts: Int
    /// How many attempts beyond the first all requests together may make; `nil` for no bound.
    public var retryBudget: RetryBudgetPolicy?
    /// Where requests wait when no target may be asked.
    public var queue: QueuePolicy
    /// Whether a second target is asked when the first is slow; `nil` for never.
    public var hedge: HedgePolicy?
    /// Limits of the group itself, for all its targets together.
    public var limits: [LimitScope]
    /// Counts the requests that wait, beside those of other groups.
    public var waiting: InFlightCount
    /// What becomes of streams that break, for explanations; others do it. Default never.
    public var midStream = MidStreamPolicy(.never)

    /// Creates options.
    public init(
        maximumAttempts: Int = 3,
        retryBudget: RetryBudgetPolicy? = RetryBudgetPolicy(),
        queue: QueuePolicy = QueuePolicy(),
        hedge: HedgePolicy? = nil,
        limits: [LimitScope] = [],
        waiting: InFlightCount = InFlightCount()
    ) {
        self.maximumAttempts = max(1, maximumAttempts)
        self.retryBudget = retryBudget
        self.queue = queue
        self.hedge = hedge
        self.limits = limits
        self.waiting = waiting
    }
}

/// How many attempts beyond the first the requests of a group may make together, so that an outage is not multiplied.
public struct RetryBudgetPolicy: Sendable, Hashable {
    /// The share of requests that may be followed by another attempt, from 0. Default 0.1.
    public var ratio: Double
    /// Attempts a second that are free on top of that, from 0; as many may be made at once. Default 10.
    public var perSecond: Int

    /// Creates a policy.
    public init(ratio: Double = 0.1, perSecond: Int = 10) {
        self.ratio = max(0, ratio)
        self.perSecond = max(0, perSecond)
    }
}

/// How requests wait when no target may be asked.
public struct QueuePolicy: Sendable, Hashable {
    /// The most that may wait, of all the group's requests together; 0 for none. Default 100.
    public var size: Int
    /// The longest that one waits. Default 10 s.
    public var timeout: Duration
    /// Whether they also wait for rates and open breakers, and not only for a place under a limit of requests at a time.
    /// Default false: whoever is over a rate is told when to come again.
    public var waitsForRates: Bool

    /// Creates a policy.
    public init(size: Int = 100, timeout: Duration = .seconds(10), waitsForRates: Bool = false) {
        self.size = max(0, size)
        self.timeout = max(.zero, timeout)
        self.waitsForRates = waitsForRates
    }
}

/// When a second target is asked for the same request, and how often that may be.
public struct HedgePolicy: Sendable, Hashable {
    /// When the second target is asked.
    public enum Delay: Sendable, Hashable {
        /// After a fixed time.
        case fixed(Duration)
        /// After so large a share of the first target's replies of late would have begun: 0.95 for p95. Never while it has
        /// had fewer than ``HedgePolicy/leastSamples``.
        case percentile(Double)
    }

    /// Replies without which a percentile means nothing.
    public static let leastSamples = 20

    /// When the second target is asked.
    public var after: Delay
    /// The share of requests that may be asked twice, from 0 to 1. Default 0.05.
    public var budget: Double

    /// Creates a policy.
    public init(after: Delay = .percentile(0.95), budget: Double = 0.05) {
        self.after = after
        self.budget = min(max(0, budget), 1)
    }
}

/// Who answers when a group's own targets do not.
public struct FallbackTargets: Sendable {
    /// After any failure, in this order, when no own target is left to ask.
    public var any: [Target]
    /// When the request has more tokens than a model takes; empty for those of ``any``.
    public var contextWindow: [Target]
    /// When a provider's filter refused the request; empty for those of ``any``.
    public var contentFilter: [Target]

    /// Creates fallbacks.
    public init(any: [Target] = [], contextWindow: [Target] = [], contentFilter: [Target] = []) {
        self.any = any
        self.contextWindow = contextWindow
        self.contentFilter = contentFilter
    }
}
