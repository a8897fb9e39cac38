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
    /// Groups that one request is sent on to.
    private static let maximumDowngrades = 4

    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let directory: ModelDirectory
    private let waiting = Waiting()
    private let time: TimeSource

    private final class Waiting: Sendable {
        let count = Atomic<Int>(0)
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
        var (provider, asked) = (self.next, request)
        var downgrades: [(group: String, budget: String)] = []
        while true {
            do throws(NeedletailError) {
                var reply = try await provider.respond(to: asked, context: context)
                if let last = downgrades.last {
                    reply.budgetEffect = BudgetEffect(
                        maximumOutput: reply.budgetEffect?.maximumOutput, downgradedBy: last.budget)
                }
                return reply
            } catch {
                guard error.code == .budgetExceeded, let refusal = error.cause as? BudgetRefusal else { throw error }
                switch refusal.exhaustion {
                case .refuse: throw error
                case .downgrade(let group):
                    guard downgrades.count < Self.maximumDowngrades, !downgrades.contains(where: { $0.group == group })
                    else { throw error }
                    // What the key must allow is what its client asked for; where that leads is the operator's to say.
                    let destination = try self.directory.destination(
                        to: .group(group), asked: request.model, allowed: context.request.allowedModels)
                    provider = destination.provider
                    asked.model = destination.model
                    downgrades.append((group, refusal.budget))
                case .queue(let most):
                    guard let wait = refusal.wait, await self.wait(wait, most, since: begin, context) else {
                        throw error
                    }
                }
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
        guard self.waiting.count.add(1, ordering: .relaxed).newValue <= Self.maximumWaiting else {
            self.waiting.count.subtract(1, ordering: .relaxed)
            return false
        }
        defer { self.waiting.count.subtract(1, ordering: .relaxed) }
        do { try await self.time.sleep(until) } catch { return false }
        context.request.countWait(self.time.now().duration(since: now))
        return true
    }
}
