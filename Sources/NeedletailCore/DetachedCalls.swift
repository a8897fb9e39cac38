import Synchronization

/// The calls of a request that go on to their end when its client has left, and what waits for that end: places that such a
/// call still takes are not free.
///
/// Where several attempts run at a time, each has its own (``attempt(of:)``): what ends in it has ended in the request too,
/// but not the other way round.
package enum DetachedCalls: Sendable {
    /// Those of a whole request.
    case request(RequestInfo)
    /// Those of one attempt.
    case attempt(Attempt)

    /// Those of one attempt, and what it is a part of.
    package final class Attempt: Sendable {
        fileprivate let outer: DetachedCalls
        fileprivate let state = Mutex(State())

        fileprivate init(_ outer: DetachedCalls) {
            self.outer = outer
        }
    }

    /// How many run, and what waits for their end.
    struct State {
        fileprivate var running = 0
        fileprivate var waiting: [@Sendable () -> Void] = []
    }

    /// Those of an attempt that is a part of this one, beside which others run.
    package static func attempt(of outer: DetachedCalls) -> Self { .attempt(Attempt(outer)) }

    /// A call begins that its client's leaving does not end.
    package func begin() {
        self.change { $0.running += 1 }
        if case .attempt(let attempt) = self { attempt.outer.begin() }
    }

    /// A call that was begun so has ended.
    package func end() {
        let actions = self.change { state -> [@Sendable () -> Void] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for action in actions { action() }
        if case .attempt(let attempt) = self { attempt.outer.end() }
    }

    /// Runs an action exactly once: as soon as no such call runs any more, which may be now.
    package func afterAll(_ action: @escaping @Sendable () -> Void) {
        let isOver = self.change { state in
            if state.running > 0 { state.waiting.append(action) }
            return state.running == 0
        }
        if isOver { action() }
    }

    private func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        switch self {
        case .request(let info): info.detached.withLock { body(&$0) }
        case .attempt(let attempt): attempt.state.withLock { body(&$0) }
        }
    }
}
