import Synchronization

/// The calls of one request that go on to their end when its client has left, and what waits for that end: places that such
/// a call still takes are not free.
struct DetachedCalls {
    fileprivate var running = 0
    fileprivate var waiting: [@Sendable () -> Void] = []
}

extension RequestInfo {
    /// A call begins that its client's leaving does not end.
    package func beginDetachedCall() {
        self.detached.withLock { $0.running += 1 }
    }

    /// A call that was begun so has ended.
    package func endDetachedCall() {
        let actions = self.detached.withLock { calls -> [@Sendable () -> Void] in
            calls.running -= 1
            guard calls.running == 0 else { return [] }
            defer { calls.waiting = [] }
            return calls.waiting
        }
        for action in actions { action() }
    }

    /// Runs an action exactly once: as soon as no such call runs any more, which may be now.
    package func afterDetachedCalls(_ action: @escaping @Sendable () -> Void) {
        let isOver = self.detached.withLock { calls in
            if calls.running > 0 { calls.waiting.append(action) }
            return calls.running == 0
        }
        if isOver { action() }
    }
}
