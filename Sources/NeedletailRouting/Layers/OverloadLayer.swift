public import NeedletailCore
import Synchronization

/// Refuses requests while too many run, those of low priority first, so that the rest are answered in time.
///
/// Must be outside everything that waits or costs: a request that is shed has cost nothing.
public struct OverloadLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let load: Load

    /// The requests that run, streams to their end.
    private final class Load: Sendable {
        let state: Mutex<LoadSheddingState>

        init(maximum: Int) {
            self.state = Mutex(LoadSheddingState(maximum: maximum))
        }

        func end() {
            self.state.withLock { $0.end() }
        }
    }

    /// Wraps `next`.
    ///
    /// - Parameter maximum: The most requests at a time; from 1.
    public init(_ next: any Provider, maximum: Int) {
        self.next = next
        self.load = Load(maximum: maximum)
    }

    /// Requests that run.
    public var running: Int { self.load.state.withLock { $0.running } }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard self.load.state.withLock({ $0.begin(context.request.priority) }) else {
            throw NeedletailError(
                .unavailable, "The gateway has more requests than it may run at a time.", retryAfter: .seconds(1))
        }
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            self.load.end()
            throw error
        }
        reply.onEnd { [load = self.load] _ in load.end() }
        return reply
    }
}
