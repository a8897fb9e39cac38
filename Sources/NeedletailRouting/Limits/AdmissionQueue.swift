import NeedletailCore
import Synchronization

/// Where requests wait when none of a router's candidates may be asked: bounded, by priority, fair to every key. When all
/// places are taken, one who has more claim to a place takes it from one who has less, here or in another queue
/// (``WaitingPlaces``).
///
/// Only the one who is next tries; the others sleep. Nobody is woken by a timer of the queue's own: the one who is next
/// sleeps until the earliest time that it knows of, or until something becomes free.
final class AdmissionQueue: Sendable {
    /// What came of a try.
    enum Try<Value: Sendable>: Sendable {
        /// It may begin.
        case admitted(Value)
        /// Not yet; it is worth another try at `until`, or when something becomes free where that is not known.
        case refused(until: Instant?)
        /// It never will.
        case hopeless
    }

    private struct State: Sendable {
        var queue = AdmissionQueueState()
        var signals: [AdmissionQueueState.Ticket: WakeSignal] = [:]

        /// Takes one out whose place is another's; returns how it is told.
        mutating func displace(_ ticket: AdmissionQueueState.Ticket) -> WakeSignal? {
            self.queue.leave(ticket, isServed: false)
            return self.signals.removeValue(forKey: ticket)
        }
    }

    private let state = Mutex(State())
    private let waiting = Atomic<Int>(0)
    private let places: WaitingPlaces
    private let total: InFlightCount

    /// - Parameters:
    ///   - places: Bounds those who wait here and in the group's other queues.
    ///   - total: Counts those who wait here beside those who wait elsewhere.
    init(_ places: WaitingPlaces, total: InFlightCount = InFlightCount()) {
        self.places = places
        self.total = total
    }

    /// How many wait.
    var count: Int { self.waiting.load(ordering: .relaxed) }

    /// Whether a new request of a priority must wait although a candidate is free: others came first.
    func isBehind(_ priority: RequestPriority) -> Bool {
        guard self.count > 0 else { return false }
        return self.state.withLock { $0.queue.count(atLeast: priority) > 0 }
    }

    /// Waits for a turn.
    ///
    /// - Parameters:
    ///   - key: Whom to be fair to.
    ///   - limit: When to give up.
    ///   - register: Has this queue told when something becomes free; called before the try that decides about sleeping.
    ///   - attempt: Tries to begin; called only when it is this request's turn.
    /// - Returns: What `attempt` gave; `nil` when there is no place or another has taken it, the time is over or there is no
    ///   hope.
    /// - Throws: `.cancelled`.
    func wait<Value: Sendable>(
        key: String,
        priority: RequestPriority,
        until limit: Instant,
        time: TimeSource,
        register: () -> Void,
        attempt: () -> Try<Value>
    ) async throws(NeedletailError) -> Value? {
        let signal = WakeSignal()
        guard let ticket = self.enter(key, priority, signal) else { return nil }
        var isServed = false
        defer { self.leave(ticket, isServed: isServed) }
        while time.now() < limit {
            var wake = limit
            let place = self.place(of: ticket)
            if place == .lost { return nil }
            if place == .next {
                // What becomes free from here on is told; so nothing is missed between the try and the sleep.
                register()
                switch attempt() {
                case .admitted(let value):
                    isServed = true
                    return value
                case .hopeless: return nil
                case .refused(let until):
                    if let until {
                        guard until < limit else { return nil }
                        wake = max(until, time.now())
                    }
                }
            }
            try await signal.sleep(until: wake, time)
        }
        return nil
    }

    /// Tells the one who is next that something has become free.
    func poke() {
        self.wakeNext()
    }

    private func enter(
        _ key: String, _ priority: RequestPriority, _ signal: WakeSignal
    ) -> AdmissionQueueState.Ticket? {
        let entered = self.state.withLock { state -> (ticket: AdmissionQueueState.Ticket, told: WakeSignal?, Loser?)? in
            guard let taken = self.places.take(for: key, priority, in: self) else { return nil }
            // Before the newcomer is in, so that the queue holds no more than have places.
            let isOwn = taken.loser?.queue === self
            let told = isOwn ? taken.loser.flatMap { state.displace($0.ticket) } : nil
            let ticket = state.queue.enter(key: key, priority: priority, number: taken.number)
            state.signals[ticket] = signal
            return (ticket, told, isOwn ? nil : taken.loser)
        }
        guard let (ticket, told, elsewhere) = entered else { return nil }
        told?.fire()
        if let elsewhere { elsewhere.queue.displace(elsewhere.ticket) }
        self.waiting.wrappingAdd(1, ordering: .relaxed)
        self.total.begin()
        return ticket
    }

    private typealias Loser = (queue: AdmissionQueue, ticket: AdmissionQueueState.Ticket)

    /// Tells one who waits that its place is another's, unless it has just left.
    private func displace(_ ticket: AdmissionQueueState.Ticket) {
        self.state.withLock { $0.displace(ticket) }?.fire()
    }

    private enum Place: Sendable {
        case next
        case behind
        /// Another has taken it.
        case lost
    }

    private func place(of ticket: AdmissionQueueState.Ticket) -> Place {
        self.state.withLock { state in
            if state.queue.head == ticket { return .next }
            return state.signals[ticket] == nil ? .lost : .behind
        }
    }

    private func leave(_ ticket: AdmissionQueueState.Ticket, isServed: Bool) {
        self.waiting.wrappingSubtract(1, ordering: .relaxed)
        self.total.end()
        self.state.withLock { state in
            // Whose place was taken has none to give back.
            guard state.signals.removeValue(forKey: ticket) != nil else { return }
            state.queue.leave(ticket, isServed: isServed)
            self.places.leave(ticket)
        }
        self.wakeNext()
    }

    private func wakeNext() {
        guard self.count > 0 else { return }
        let signal = self.state.withLock { state in state.queue.head.flatMap { state.signals[$0] } }
        signal?.fire()
    }
}
