public import NeedletailCore
import Synchronization

/// What has been served since the start, by provider and model: the gateway's own count of requests and tokens.
///
/// Bounded: once ``maximumRows`` pairs are known, the traffic of further ones is counted under the model `other`.
public final class UsageTotals: RequestObserver {
    /// How many pairs of provider and model are kept apart; the operator configures far fewer.
    public static let maximumRows = 1_000

    /// A provider and a model.
    public struct Key: Sendable, Hashable {
        /// The provider's name.
        public var provider: ProviderID
        /// The model's name, in the provider's words.
        public var model: String
    }

    /// The counts of one pair.
    public struct Row: Sendable, Hashable {
        /// Replies that ended, however they did.
        public var requests = 0
        /// Of these: replies that broke after they began.
        public var failed = 0
        /// Of these: replies that the client did not wait for.
        public var abandoned = 0
        /// Of these: replies that told no usage.
        public var withoutUsage = 0
        /// Input tokens.
        public var inputTokens = 0
        /// Output tokens.
        public var outputTokens = 0
        /// The time that the replies took, in nanoseconds.
        public var nanoseconds = 0

        /// Counts of nothing.
        public init() {}
    }

    /// All counts.
    public struct Snapshot: Sendable {
        /// By provider and model.
        public var rows: [Key: Row]
        /// Requests that failed before anybody answered.
        public var unanswered: Int
    }

    private let state = Mutex(Snapshot(rows: [:], unanswered: 0))

    /// Creates empty counts.
    public init() {}

    /// The counts now.
    public func snapshot() -> Snapshot {
        self.state.withLock { $0 }
    }

    /// See ``RequestObserver/requestEnded(_:)``.
    public func requestEnded(_ request: RequestRecord) {
        guard request.isCommitted, let provider = request.provider else {
            return self.state.withLock { $0.unanswered += 1 }
        }
        guard request.operation == .chat else { return }
        self.record(request.outcome, request.duration, provider: provider, model: request.answeredModel ?? "")
    }

    private func record(_ outcome: Outcome, _ duration: Duration, provider: ProviderID, model: String) {
        self.state.withLock { state in
            var key = Key(provider: provider, model: model)
            if state.rows.count >= Self.maximumRows, state.rows[key] == nil { key.model = "other" }
            state.rows[key, default: Row()].add(outcome, duration)
        }
    }
}

extension UsageTotals.Row {
    fileprivate mutating func add(_ outcome: Outcome, _ duration: Duration) {
        self.requests += 1
        self.nanoseconds = Self.sum(self.nanoseconds, Int(duration.wholeNanoseconds))
        switch outcome.end {
        case .finished: break
        case .failed: self.failed += 1
        case .abandoned: self.abandoned += 1
        }
        guard let usage = outcome.usage else {
            self.withoutUsage += 1
            return
        }
        // A provider's nonsense must not stop the gateway: counts saturate.
        self.inputTokens = Self.sum(self.inputTokens, usage.inputTokens)
        self.outputTokens = Self.sum(self.outputTokens, usage.outputTokens)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(max(0, right))
        return overflow ? .max : sum
    }
}
