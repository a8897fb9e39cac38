import NeedletailCore

extension RecentRequests {
    /// Takes the calls of an end user out of the log, since they name it.
    ///
    /// - Parameter tenant: Only this tenant's user of that name; `nil` for all.
    /// - Returns: How many requests that were.
    func erase(user: String, tenant: String?) -> Int {
        self.replace { record in
            guard record.attempts.contains(where: { $0.user == user }), tenant == nil || record.request.tenant == tenant
            else { return nil }
            return RequestRecord(
                request: record.request, surface: record.surface, operation: record.operation,
                isStreaming: record.isStreaming, model: record.model, provider: record.provider,
                answeredModel: record.answeredModel, status: record.status, outcome: record.outcome,
                isCommitted: record.isCommitted, cacheStatus: record.cacheStatus, losses: record.losses,
                start: record.start, endWallNanoseconds: record.endWallNanoseconds, duration: record.duration,
                timeToFirstToken: record.timeToFirstToken, waited: record.waited, overhead: record.overhead,
                trace: record.trace)
        }
    }
}
