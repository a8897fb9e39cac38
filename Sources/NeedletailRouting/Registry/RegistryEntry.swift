import NeedletailCore
import Synchronization

/// One registration: a provider under a name, and what was seen of it. What is registered anew is another entry.
final class RegistryEntry: Sendable {
    let name: ProviderID
    let provider: any Provider
    let profile: ProviderProfile
    let statistics = DeploymentStatistics()
    let calls = RunningCalls()
    private let enabled = Atomic(true)

    init(_ name: ProviderID, _ provider: any Provider, _ profile: ProviderProfile) {
        self.name = name
        self.provider = provider
        self.profile = profile
    }

    var isEnabled: Bool {
        get { self.enabled.load(ordering: .sequentiallyConsistent) }
        set { self.enabled.store(newValue, ordering: .sequentiallyConsistent) }
    }

    /// Why nothing may be asked of it; `nil` if it may.
    var refusal: NeedletailError? {
        guard !self.isEnabled else { return nil }
        return NeedletailError(.unavailable, "The provider '\(self.name)' is switched off.", provider: self.name)
    }

    func respond(
        to request: InferenceRequest, _ context: RequestContext, time: TimeSource
    ) async throws(NeedletailError) -> InferenceReply {
        if let refusal = self.refusal { throw refusal }
        let begin = time.now()
        guard self.calls.begin() else {
            throw NeedletailError(.unavailable, "The provider '\(self.name)' has been closed.", provider: self.name)
        }
        // Switched off before it was counted, it is what a drain may have found no trace of.
        if let refusal = self.refusal {
            self.calls.end()
            throw refusal
        }
        self.statistics.begin()
        var reply: InferenceReply
        do {
            reply = try await self.provider.respond(to: request, context: context)
        } catch {
            let now = time.now()
            self.statistics.end(
                AttemptResult(.init(error), latency: now.duration(since: begin)), isCommitted: false, now: now)
            self.calls.end()
            throw error
        }
        let committed = time.now()
        let latency = committed.duration(since: begin)
        var isStreamed = false
        if case .stream = reply.body { isStreamed = true }
        self.statistics.commit(latency: latency, isStreamed: isStreamed, now: committed)
        reply.onEnd { [isStreamed] outcome in
            let result = AttemptResult(.init(outcome), latency: latency, isStreamed: isStreamed, usage: outcome.usage)
            self.statistics.end(result, isCommitted: true, now: isStreamed ? time.now() : committed)
            self.calls.end()
        }
        return reply
    }

    func snapshot(_ state: ProviderRegistry.Snapshot.State, now: Instant) -> ProviderRegistry.Snapshot {
        let seen = self.statistics.snapshot()
        let calls = seen.successes + seen.failures
        return ProviderRegistry.Snapshot(
            name: self.name, state: state, inFlight: self.calls.count, health: self.statistics.health(now: now),
            successes: seen.successes, failures: seen.failures, neutrals: seen.neutrals,
            successRate: calls == 0 ? nil : Double(seen.successes) / Double(calls),
            averageLatency: self.statistics.meanLatency.map { .nanoseconds(Int64($0)) },
            inputTokens: seen.inputTokens, outputTokens: seen.outputTokens,
            lastSuccess: seen.health.lastSuccess.map { now.duration(since: $0) })
    }
}
