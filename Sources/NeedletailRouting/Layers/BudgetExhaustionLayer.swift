public import NeedletailCore
import Synchronization

/// Does what the operator wants with a request that a budget does not cover: lets a cheaper group answer, or lets it wait
/// until the budget's next stretch of time.
///
/// Must be outside the router, which tells a spent budget only when no target is left that another budget covers, and inside
/// what counts requests.
public struct BudgetExhaustionLayer: Provider {
    /// More requests than this wait for no budget: the others are refused at once.
    public static let maximumWaiting = 1_024
    /// More requests of one key than this wait for no budget, so that a key whose own is spent leaves the others their
    /// places. Those without a key count as one.
    public static let maximumWaitingPerKey = 64
    /// Groups that one request is sent on to.
    private static let maximumDowngrades = 4

    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let directory: ModelDirectory
    private let waiting = Waiting()
    private let time: TimeSource

    private final class Waiting: Sendable {
        private struct State {
            var total = 0
            /// Keys of which nobody waits are not in it.
            var keys: [String: Int] = [:]
        }

        private let state = Mutex(State())

        /// Counts one more; false where too many wait already.
        func enter(_ key: String) -> Bool {
            self.state.withLock { state in
                let waiting = state.keys[key] ?? 0
                guard state.total < BudgetExhaustionLayer.maximumWaiting,
                    waiting < BudgetExhaustionLayer.maximumWaitingPerKey
                else { return false }
                state.total += 1
                state.keys[key] = waiting + 1
                return true
            }
        }

        func leave(_ key: String) {
            self.state.withLock { state in
                let waiting = state.keys[key] ?? 0
                state.total -= 1
                state.keys[key] = waiting > 1 ? waiting - 1 : nil
            }
        }
    }

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - directory: Knows the groups.
    ///   - time: To wait by.
    public init(_ next: any Provider, directory: ModelDirectory, time: TimeSource) {
        self.next = next
        self.directory = directory
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let begin = self.time.now()
        do {
            return try await self.next.respond(to: request, context: context)
        } catch {
            return try await self.exhausted(error, request, context, since: begin)
        }
    }

    /// Does what the budget's rule says, until an answer comes or nothing more is to be done.
    private func exhausted(
        _ error: NeedletailError, _ request: InferenceRequest, _ context: RequestContext, since begin: Instant
    ) async throws(NeedletailError) -> InferenceReply {
        var (provider, asked, error) = (self.next, request, error)
        var downgrades: [(group: String, budget: String)] = []
        while true {
            guard error.code == .budgetExceeded, let refusal = error.cause as? BudgetRefusal else { throw error }
            switch refusal.exhaustion {
            case .refuse: throw error
            case .downgrade(let group):
                guard downgrades.count < Self.maximumDowngrades, !downgrades.contains(where: { $0.group == group })
                else { throw error }
                // What the key must allow is what its client asked for; where that leads is the operator's to say.
                // A stored key may name a group that has gone since.
                guard
                    let destination = try? self.directory.destination(
                        to: .group(group), asked: request.model, allowed: context.request.allowedModels)
                else { throw error }
                provider = destination.provider
                asked.model = destination.model
                downgrades.append((group, refusal.budget))
            case .queue(let most):
                guard let wait = refusal.wait, await self.wait(wait, most, since: begin, context) else { throw error }
            }
            do throws(NeedletailError) {
                var reply = try await provider.respond(to: asked, context: context)
                if let last = downgrades.last {
                    reply.budgetEffect = BudgetEffect(
                        maximumOutput: reply.budgetEffect?.maximumOutput, downgradedBy: last.budget)
                }
                return reply
            } catch let next {
                error = next
            }
        }
    }

    /// Waits until a budget's next stretch begins.
    ///
    /// - Returns: Whether it has; not if that is later than anybody wants to wait.
    private func wait(
        _ duration: Duration, _ most: Duration, since begin: Instant, _ context: RequestContext
    ) async -> Bool {
        let now = self.time.now()
        let until = now.advanced(by: duration)
        guard until.duration(since: begin) <= most, context.deadline.map({ until < $0 }) ?? true else { return false }
        let key = context.request.keyName ?? ""
        guard self.waiting.enter(key) else { return false }
        defer { self.waiting.leave(key) }
        do { try await self.time.sleep(until) } catch { return false }
        context.request.countWait(self.time.now().duration(since: now))
        return true
    }
}
