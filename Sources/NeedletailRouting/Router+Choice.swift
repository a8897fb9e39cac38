import NeedletailCore

extension Router {
    /// A target that may be asked, and the right to do so.
    struct Choice: Sendable {
        let index: Int
        let permit: AdmissionPermit
    }

    /// Why targets may not be asked now.
    struct Refusals: Sendable {
        /// One for each target, in the order in which they were looked at.
        private(set) var all: [(index: Int, refusal: Refusal)] = []

        mutating func add(_ refusal: Refusal, of index: Int) {
            self.all.append((index, refusal))
        }

        /// Whether each is a limit.
        var areLimits: Bool { self.all.allSatisfy { $0.refusal.reason.isLimit } }
        /// Whether one may end at any time.
        var hasConcurrency: Bool { self.all.contains { $0.refusal.reason == .concurrency } }
        /// When the first of them ends, as far as that is known.
        var until: Instant? { self.all.lazy.compactMap(\.refusal.until).min() }
    }

    /// Finds a target that may be asked now, and takes what a call to it needs.
    func choose(
        _ run: Run, _ refusals: inout Refusals, ranks: [Attempts.Rank] = Attempts.Rank.allCases
    ) -> Choice? {
        for rank in ranks {
            var set = run.attempts.candidates(rank, now: run.question.now)
            guard !set.isEmpty else { continue }
            self.judge(&set, run)
            // A lone one too: what is taken of one limit and given back because another refuses would wake the very
            // request that waits for it, which would ask again at once, for ever.
            self.sift(&set, run.size, of: run.request.model, run.question.now, &refusals)
            while let index = self.pick(set, run.question) {
                switch self.targets[index].deployment.gate.admit(run.size, now: run.question.now) {
                case .success(let permit): return Choice(index: index, permit: permit)
                case .failure(let refused):
                    refusals.add(refused.refusal, of: index)
                    set.remove(index)
                }
            }
        }
        return nil
    }

    /// Leaves out for good what cannot answer the request, as far as that is known beforehand.
    func judge(_ set: inout TargetSet, _ run: Run) {
        for index in set.intersection(self.ranks.judged) {
            let target = self.targets[index]
            guard let judge = target.judge, let error = judge(run.request, target.model ?? run.request.model) else {
                continue
            }
            set.remove(index)
            run.attempts.reject(index, error)
        }
    }

    /// Leaves out what may not be asked now.
    ///
    /// - Parameter model: What the client asks for.
    func sift(
        _ set: inout TargetSet, _ size: RequestSize, of model: String, _ now: Instant, _ refusals: inout Refusals
    ) {
        // A span lends the gates: for each request, counting references to all of them cost more than the look.
        let gates = self.ranks.gates.span
        for index in set where index < gates.count {
            guard !gates[index].surelyAdmits(size, now: now),
                let refusal = gates[index].refusal(size, model: self.targets[index].model ?? model, now: now)
            else { continue }
            set.remove(index)
            refusals.add(refusal, of: index)
        }
    }

    /// The next of a set: of own targets the one that the balancer picks, of fallbacks the first.
    func pick(_ set: TargetSet, _ question: RoutingQuestion) -> Int? {
        let own = set.intersection(self.ranks.own)
        guard !own.isEmpty else { return set.first }
        return self.balancer.pick(from: self.targets, among: own, for: question) ?? own.first
    }

    // MARK: Waiting

    /// Waits until somebody may be asked again: after an own pause, or when a provider's pushback is over.
    ///
    /// - Returns: Whether it has waited; not when there is nothing to wait for, or it would take too long.
    func pause(_ run: Run, _ refusals: Refusals) async throws(NeedletailError) -> Bool {
        guard let wake = self.wake(run, refusals) else { return false }
        run.pauses += 1
        try await self.sleep(until: wake, run.context.request)
        return true
    }

    /// When somebody may be asked again whom it is worth waiting for; `nil` for nobody, or not in time.
    func wake(_ run: Run, _ refusals: Refusals) -> Instant? {
        let now = run.question.now
        var wake = run.attempts.nextReady(after: now)
        for (index, refusal) in refusals.all where refusal.reason == .resting {
            let policy = self.targets[index].retry
            guard let until = refusal.until, policy.maximumAttempts > 1,
                until.duration(since: now) <= policy.backoff.maximum
            else { continue }
            wake = min(wake ?? until, until)
        }
        guard let wake, run.pauses < run.maximum else { return nil }
        if let deadline = run.context.deadline, wake >= deadline { return nil }
        return wake
    }

    func sleep(until wake: Instant, _ request: RequestInfo) async throws(NeedletailError) {
        let begin = self.time.now()
        defer { request.countWait(self.time.now().duration(since: begin)) }
        do { try await self.time.sleep(wake) } catch {
            throw NeedletailError(.cancelled, "The request was cancelled.", cause: error)
        }
    }

    /// Whether what stands in the way may be over in time.
    func isWorthWaiting(_ refusals: Refusals, _ run: Run) -> Bool {
        guard !refusals.all.isEmpty else { return false }
        if refusals.hasConcurrency { return true }
        guard self.options.queue.waitsForRates, let until = refusals.until else { return false }
        return until < self.waitLimit(run)
    }

    private func waitLimit(_ run: Run) -> Instant {
        let limit = run.question.now.advanced(by: self.options.queue.timeout)
        return min(run.context.deadline ?? limit, limit)
    }

    /// Waits for its turn, and then for a target that may be asked.
    func waitInQueue(
        _ queue: AdmissionQueue, _ run: Run, _ refusals: inout Refusals
    ) async throws(NeedletailError) -> Choice? {
        let begin = self.time.now()
        let request = run.context.request
        defer { request.countWait(self.time.now().duration(since: begin)) }
        var last = refusals
        defer { refusals = last }
        return try await queue.wait(
            key: request.keyName ?? "", priority: request.priority, until: self.waitLimit(run), time: self.time,
            register: { for target in self.targets { target.deployment.gate.wakeWhenFreed(queue) } },
            attempt: {
                run.question.now = self.time.now()
                last = Refusals()
                if let choice = self.choose(run, &last) { return .admitted(choice) }
                if last.all.isEmpty { return .hopeless }
                let isHopeful = last.hasConcurrency || self.options.queue.waitsForRates
                guard isHopeful else { return .hopeless }
                // What ends at any time may end first.
                return .refused(until: last.until)
            })
    }
}
