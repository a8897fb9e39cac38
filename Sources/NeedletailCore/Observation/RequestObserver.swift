/// Hears of everything that was asked: metrics, logs, traces, the ledger and the request log are all of this kind.
///
/// Every method is called exactly once per event, on the task that serves the request and before the last byte of its
/// reply is written, so that whoever has read a reply finds it counted. It must neither block nor do work that could be
/// done elsewhere; what is slow is handed on through a bounded buffer. Observers are called in the order of the
/// configuration: one that prices a record (``AttemptRecord/cost``, ``RequestRecord/cost``) comes before those that show
/// the price.
public protocol RequestObserver: Sendable {
    /// A call to an upstream has ended, well or not. All calls of a request are told before the request, but for those
    /// that outlive it: a shadow's, a hedge's that lost.
    func attemptEnded(_ attempt: AttemptRecord)
    /// A request has ended, well or not.
    func requestEnded(_ request: RequestRecord)
    /// A request was refused before anybody was asked: an unknown path, a missing key, a body that cannot be read.
    func requestRefused(_ refusal: RefusalRecord)
}

extension RequestObserver {
    /// Does nothing.
    public func attemptEnded(_ attempt: AttemptRecord) {}
    /// Does nothing.
    public func requestEnded(_ request: RequestRecord) {}
    /// Does nothing.
    public func requestRefused(_ refusal: RefusalRecord) {}
}
