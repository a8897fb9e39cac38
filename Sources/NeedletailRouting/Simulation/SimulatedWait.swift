import NeedletailCore

/// Waits by a clock, within a limit and a deadline.
struct SimulatedWait {
    let time: TimeSource
    let deadline: Instant?

    /// Waits.
    ///
    /// - Throws: `.timedOut` at the limit or the deadline, whichever is first; `.cancelled` when the task is.
    func wait(_ duration: Duration, limit: Duration?) async throws(NeedletailError) {
        let now = self.time.now()
        let wanted = now.advanced(by: duration)
        let end = [limit.map { now.advanced(by: $0) }, self.deadline].compactMap { $0 }.min()
        do { try await self.time.sleep(end.map { min($0, wanted) } ?? wanted) } catch {
            throw NeedletailError(.cancelled, "The request was cancelled.", cause: error)
        }
        guard let end, end < wanted else { return }
        throw NeedletailError(.timedOut, "The provider did not answer in time.", mayHaveBeenProcessed: true)
    }
}
