import NeedletailCore

/// How long a stream may take to its first good event.
///
/// The transport's own limit ends with the first byte, and a server that keeps a connection warm with comments or pings
/// would put the choice of another target off for as long as it likes.
struct CommitLimit {
    private let limit: Duration
    private let end: Instant
    private let time: TimeSource

    /// A limit that begins now.
    init(_ limit: Duration, time: TimeSource) {
        self.limit = limit
        self.end = time.now().advanced(by: limit)
        self.time = time
    }

    /// Looked at whenever something arrived that was no event.
    ///
    /// - Throws: `.timedOut` once the time is over.
    func check() throws(NeedletailError) {
        guard self.time.now() >= self.end else { return }
        throw NeedletailError(
            .timedOut,
            "The provider sent no event of its reply within \(self.limit.components.seconds) s.",
            mayHaveBeenProcessed: true
        )
    }
}
