import HTTPTypes
public import NeedletailCore
import Synchronization

/// Adds `Authorization: Bearer` with a token that is fetched first, kept, and replaced before it ends.
///
/// One request fetches; those that have no token meanwhile wait for it, and those that still have one use it.
public final class TokenAuthorizer: RequestAuthorizer {
    private typealias Waiter = CheckedContinuation<NeedletailError?, Never>

    private struct State {
        var cache = TokenCacheState()
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0

        mutating func takeWaiters() -> [Waiter] {
            defer { self.waiters = [:] }
            return Array(self.waiters.values)
        }
    }

    private let source: any AccessTokenSource
    private let time: TimeSource
    private let state = Mutex(State())

    /// Creates an authorizer that has no token yet.
    public init(_ source: any AccessTokenSource, time: TimeSource) {
        self.source = source
        self.time = time
    }

    /// See ``RequestAuthorizer/authorize(_:)``.
    public func authorize(_ request: inout TransportRequest) async throws(NeedletailError) {
        request.headers[.authorization] = "Bearer " + (try await self.token(deadline: request.deadline))
    }

    /// See ``RequestAuthorizer/wasRefused(_:)``.
    public func wasRefused(_ request: TransportRequest) {
        guard let header = request.headers[.authorization], header.hasPrefix("Bearer ") else { return }
        self.state.withLock { $0.cache.drop(String(header.dropFirst("Bearer ".count))) }
    }

    private func token(deadline: Instant?) async throws(NeedletailError) -> String {
        while true {
            let now = self.time.now()
            switch self.state.withLock({ $0.cache.next(now: now) }) {
            case .use(let value): return value
            case .fetch: return try await self.fetch(deadline: deadline)
            case .wait: if let failure = await self.wait() { throw failure }
            }
        }
    }

    private func fetch(deadline: Instant?) async throws(NeedletailError) -> String {
        do {
            let token = try await self.source.token(deadline: deadline)
            let now = self.time.now()
            let waiters = self.state.withLock { state in
                state.cache.fetched(token, now: now)
                return state.takeWaiters()
            }
            for waiter in waiters { waiter.resume(returning: nil) }
            return token.value
        } catch {
            let now = self.time.now()
            let (waiters, old) = self.state.withLock { state in
                state.cache.failed(now: now)
                return (state.takeWaiters(), state.cache.usable(now: now))
            }
            // If it was this request that ended, the next in the row tries.
            let isOwn = error.code == .cancelled || deadline.map { now >= $0 } ?? false
            for waiter in waiters { waiter.resume(returning: isOwn ? nil : error) }
            if let old, error.code != .cancelled { return old }
            throw error
        }
    }

    /// Waits until the fetch under way is over.
    ///
    /// - Returns: Why there is still no token; `nil` if there may be one.
    private func wait() async -> NeedletailError? {
        let id = self.state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let isOver = self.state.withLock { state in
                    guard state.cache.isFetching else { return true }
                    state.waiters[id] = waiter
                    return false
                }
                if isOver { waiter.resume(returning: nil) }
                // The handler below may have run before there was anything to end.
                if Task.isCancelled { self.end(id) }
            }
        } onCancel: {
            self.end(id)
        }
    }

    private func end(_ id: Int) {
        let waiter = self.state.withLock { $0.waiters.removeValue(forKey: id) }
        waiter?.resume(returning: NeedletailError(.cancelled, "The request was cancelled."))
    }
}
