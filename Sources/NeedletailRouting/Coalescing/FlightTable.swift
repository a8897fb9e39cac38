import NeedletailCore
import Synchronization

/// The shared calls of one group that are under way.
public final class FlightTable: Sendable {
    /// What was saved.
    public struct Counts: Sendable, Hashable {
        /// Calls that were made for one request and open to others.
        public var led = 0
        /// Requests that were answered by another's call.
        public var joined = 0
        /// Requests that joined a call whose time ran out before their own, and then made one themselves.
        public var calledAgain = 0
    }

    /// What a request does.
    enum Place {
        /// It is the first: the call is made for it.
        case leading(Flight, reader: Int)
        /// The call is under way.
        case following(Flight, reader: Int)
        /// It is asked for itself.
        case alone
    }

    private struct State {
        var flights: [CoalescingKey: Flight] = [:]
        var counts = Counts()
    }

    /// Bytes of a stream that are kept for those who read slower or join late. A long answer, 20,000 tokens, has about
    /// 1 MiB in the wordiest dialect's events.
    public static let defaultBound = 1 << 20
    /// More calls than this at a time are not shared.
    static let capacity = 10_000
    /// How much later than its own deadline a call may end that a request joins. Equal requests that come at the same
    /// moment are given deadlines that differ by a little, and the first of them need not be the first to get here. The
    /// transport keeps no deadline more exactly.
    static let deadlineTolerance = Duration.milliseconds(50)

    let runner: JobRunner
    private let bound: Int
    private let state = Mutex(State())

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - runner: Makes the calls; as long as it does not run nothing is shared.
    ///   - bound: The bytes of a stream that are kept for slow readers; at least 1. Who falls back further while others
    ///     wait is cut off.
    public init(runner: JobRunner, bound: Int = FlightTable.defaultBound) {
        self.runner = runner
        self.bound = max(1, bound)
    }

    /// What was saved so far.
    public func snapshot() -> Counts {
        self.state.withLock { $0.counts }
    }

    /// Finds the call that a request may join, or opens one.
    ///
    /// - Parameter deadline: When the request must have ended. It joins no call that may end later, give or take
    ///   ``deadlineTolerance``.
    func join(_ key: CoalescingKey, deadline: Instant?) -> Place {
        self.state.withLock { state in
            if let flight = state.flights[key] {
                if let deadline,
                    flight.deadline.map({ $0 > deadline.advanced(by: Self.deadlineTolerance) }) ?? true
                {
                    return .alone
                }
                if let reader = flight.join() {
                    state.counts.joined += 1
                    return .following(flight, reader: reader)
                }
            }
            let flight = Flight(deadline: deadline, bound: self.bound)
            guard state.flights.count < Self.capacity, let reader = flight.join() else { return .alone }
            state.flights[key] = flight
            state.counts.led += 1
            return .leading(flight, reader: reader)
        }
    }

    /// Forgets a call that is over.
    func remove(_ flight: Flight, _ key: CoalescingKey) {
        self.state.withLock { state in
            if state.flights[key] === flight { state.flights[key] = nil }
        }
    }

    func countSecondCall() {
        self.state.withLock { $0.counts.calledAgain += 1 }
    }
}
