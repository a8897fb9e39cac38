import NeedletailCore
import Synchronization

/// Keeps a value that ends, and has it fetched anew before it does.
///
/// One caller fetches; those that have no value meanwhile wait for it, and those that still have one use it.
final class ExpiringCache<Value: Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<NeedletailError?, Never>

    private struct State {
        var cache = ExpiringCacheState<Value>()
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0

        mutating func takeWaiters() -> [Waiter] {
            defer { self.waiters = [:] }
            return Array(self.waiters.values)
        }
    }

    /// Gets a new value and its end; told when the caller's request is over.
    typealias Fetch =
        @Sendable (_ deadline: Instant?) async throws(NeedletailError) -> (value: Value, expires: Instant?)

    private let fetch: Fetch
    private let time: TimeSource
    private let state = Mutex(State())

    init(time: TimeSource, fetch: @escaping Fetch) {
        self.time = time
        self.fetch = fetch
    }

    /// The value, which is not about to end.
    func value(deadline: Instant?) async throws(NeedletailError) -> Value {
        while true {
            let now = self.time.now()
            switch self.state.withLock({ $0.cache.next(now: now) }) {
            case .use(let value): return value
            case .fetch: return try await self.renew(deadline: deadline)
            case .wait: if let failure = await self.wait(until: deadline) { throw failure }
            }
        }
    }

    /// Forgets a value that was refused.
    func drop(where isRefused: @Sendable (Value) -> Bool) {
        self.state.withLock { $0.cache.drop(where: isRefused) }
    }

    private func renew(deadline: Instant?) async throws(NeedletailError) -> Value {
        do {
            let (value, expires) = try await self.fetch(deadline)
            let now = self.time.now()
            let waiters = self.state.withLock { state in
                state.cache.fetched(value, expires: expires, now: now)
                return state.takeWaiters()
            }
            for waiter in waiters { waiter.resume(returning: nil) }
            return value
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

    /// Waits until the fetch under way, which is another request's and may take longer, is over.
    ///
    /// - Returns: Why there is still no value; `nil` if there may be one.
    private func wait(until deadline: Instant?) async -> NeedletailError? {
        guard let deadline else { return await self.wait() }
        return await withTaskGroup(of: NeedletailError?.self) { group in
            group.addTask { await self.wait() }
            group.addTask { [time = self.time] in
                do { try await time.sleep(deadline) } catch { return Self.cancelled }
                return NeedletailError(.timedOut, "The provider's credentials were not renewed in time.")
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? nil
        }
    }

    private static var cancelled: NeedletailError { NeedletailError(.cancelled, "The request was cancelled.") }

    /// Waits until the fetch under way is over.
    ///
    /// - Returns: Why there is still no value; `nil` if there may be one.
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
        waiter?.resume(returning: Self.cancelled)
    }
}
