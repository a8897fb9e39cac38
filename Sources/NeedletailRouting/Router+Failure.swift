import NeedletailCore

extension Router {
    /// What is told when no more calls may be made.
    func exhausted(_ run: Run) -> NeedletailError {
        var refusals = Refusals()
        if run.attempts.failures.count == 0 {
            // Another router of the same request has made them all.
            var error = NeedletailError(.unavailable, "The request has had all its attempts.")
            error.isExhausted = true
            return error
        }
        // Of those that were not asked, the limited ones say when to come again.
        for rank in Attempts.Rank.allCases {
            var set = run.attempts.candidates(rank, now: run.question.now)
            self.sift(&set, run.size, of: run.request.model, run.question.now, &refusals)
        }
        return self.mark(run.attempts.failures.answer(or: self.nobody), run)
    }

    /// What is told when nobody may be asked any more, or not in time.
    func failure(_ run: Run, _ refusals: Refusals) -> NeedletailError {
        let failures = run.attempts.failures
        // The last call took its time.
        let now = self.time.now()
        if failures.worst != nil { return self.mark(failures.answer(or: self.nobody), run) }
        let ends = [failures.limitUntil, refusals.until].compactMap { $0 }.filter { $0 > now }
        let wait = ends.min().map { $0.duration(since: now) }
        guard !refusals.all.isEmpty || failures.limit != nil else {
            return failures.unfit ?? self.nobody
        }
        guard refusals.areLimits else {
            // Not every candidate is limited: some are out of order.
            return NeedletailError(
                .unavailable, "The group \(self.id) has no provider that may be asked now.", retryAfter: wait)
        }
        if let limit = failures.limit {
            var error = limit
            if let wait { error.retryAfter = wait }
            return self.mark(error, run)
        }
        // Of several refusals the one that ends first is told.
        let first = refusals.all.map(\.refusal).min {
            ($0.until ?? .init(nanoseconds: .max)) < ($1.until ?? .init(nanoseconds: .max))
        }
        guard let first else { return self.nobody }
        guard first.reason != .concurrency else {
            return NeedletailError(
                .unavailable, "All requests at a time that the group \(self.id) may make are being made.",
                retryAfter: .seconds(1))
        }
        return first.error(now: now)
    }

    private var nobody: NeedletailError {
        NeedletailError(.unavailable, "The group \(self.id) has no target that may be asked.")
    }

    /// Says whether a client's own retries could help.
    private func mark(_ error: NeedletailError, _ run: Run) -> NeedletailError {
        let isSpent = run.calls >= run.maximum || run.context.request.attempts >= run.context.attemptLimit ?? .max
        // Who is told when to come again may.
        guard error.retryAfter == nil || error.code != .rateLimited else { return error }
        guard isSpent || self.budget?.canWithdraw(now: run.question.now) == false else { return error }
        var error = error
        error.isExhausted = true
        return error
    }
}

extension FailureSummary {
    /// The failure to tell; `other` where there is none.
    func answer(or other: @autoclosure () -> NeedletailError) -> NeedletailError {
        self.worst ?? self.limit ?? self.unfit ?? other()
    }
}
