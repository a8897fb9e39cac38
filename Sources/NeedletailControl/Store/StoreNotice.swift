import Logging
import NeedletailCore
import Synchronization

/// Says once that the store does not take something, and once that it does again.
final class StoreNotice: Sendable {
    private let away: String
    private let back: String
    private let logger: Logger
    private let isAway = Atomic<Bool>(false)

    /// - Parameters:
    ///   - away: What to say when it fails for the first time; the failure follows.
    ///   - back: What to say when it succeeds after that, a whole sentence.
    init(away: String, back: String, logger: Logger) {
        self.away = away
        self.back = back
        self.logger = logger
    }

    /// Takes note of how a try ended.
    ///
    /// - Parameters:
    ///   - error: Why it failed; `nil` where it succeeded.
    ///   - metadata: What to say beside a failure.
    func note(_ error: NeedletailError?, metadata: @autoclosure () -> Logger.Metadata? = nil) {
        guard self.isAway.exchange(error != nil, ordering: .relaxed) != (error != nil) else { return }
        if let error {
            self.logger.error("\(self.away): \(error.message)", metadata: metadata())
        } else {
            self.logger.notice("\(self.back)")
        }
    }
}
