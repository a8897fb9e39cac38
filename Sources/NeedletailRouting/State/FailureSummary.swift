import NeedletailCore

/// What the failures of one request's attempts come to: the one that tells its client most. Pure.
struct FailureSummary: Sendable {
    /// The failure that says most; `nil` while there is none.
    private(set) var worst: NeedletailError?
    /// The refusal for a limit that ends first.
    private(set) var limit: NeedletailError?
    /// When the first limit that was met ends, where somebody said.
    private(set) var limitUntil: Instant?
    /// Why a target was no candidate.
    private(set) var unfit: NeedletailError?
    /// How many there were, those that made no candidate apart.
    private(set) var count = 0

    /// Whether there were failures and each was a limit.
    var isOnlyLimits: Bool { self.worst == nil && self.limit != nil }

    /// Takes in a failure of a call.
    mutating func add(_ error: NeedletailError, now: Instant) {
        self.count += 1
        switch error.code {
        case .rateLimited:
            let until = error.retryAfter.map { now.advanced(by: $0) }
            if self.limit == nil || (until ?? .init(nanoseconds: .max)) < (self.limitUntil ?? .init(nanoseconds: .max))
            {
                self.limit = error
            }
            if let until { self.limitUntil = min(self.limitUntil ?? until, until) }
        case .unsupported, .notFound, .modelForbidden: self.addUnfit(error)
        default:
            // Of equals the last: it is what is so now.
            if self.worst.map({ Self.rank(error) >= Self.rank($0) }) ?? true { self.worst = error }
        }
    }

    /// Takes in why a target cannot answer the request.
    mutating func addUnfit(_ error: NeedletailError) {
        if self.unfit.map({ Self.rank(error) >= Self.rank($0) }) ?? true { self.unfit = error }
    }

    /// How much a failure tells: what is final first, then what the provider did, then what stands between us and it.
    private static func rank(_ error: NeedletailError) -> Int {
        if error.disposition.retry == .never { return 9 }
        return switch error.code {
        case .upstreamFailed, .malformedReply: 8
        case .timedOut: 7
        case .overloaded: 6
        case .unreachable: 5
        case .conflict: 4
        case .credentialRejected, .quotaExhausted: 3
        case .modelForbidden: 2
        case .notFound: 1
        default: 0
        }
    }
}
