import Synchronization

/// What the attempts of one request leave for its record; made by the layer that observes requests, and handed down in
/// the context to the one that observes attempts.
public final class RequestTrail: Sendable {
    private struct State {
        var begun = 0
        /// The hash of who was called last, which tells a retry from a failover.
        var last = 0
        var ended: [AttemptRecord] = []
    }

    /// A call's place in the trail.
    package struct Mark: Sendable {
        /// Counts the calls from 1.
        package var number: Int
        /// Why it is made.
        package var cause: AttemptCause
        /// Its span.
        package var trace: TraceContext?

        /// Creates a mark.
        package init(number: Int, cause: AttemptCause, trace: TraceContext? = nil) {
            self.number = number
            self.cause = cause
            self.trace = trace
        }
    }

    /// Far above what any group allows; further attempts are told to observers and not kept here.
    private static let capacity = 64

    /// The request's span; `nil` if it is not traced.
    public let trace: TraceContext?
    private let spans: SpanSource?
    private let state = Mutex(State())

    /// Creates an empty trail.
    ///
    /// - Parameters:
    ///   - trace: The request's span; `nil` if it is not traced.
    ///   - spans: Makes the attempts' spans.
    public init(trace: TraceContext? = nil, spans: SpanSource? = nil) {
        self.trace = trace
        self.spans = spans
    }

    /// The calls that have ended.
    public var attempts: [AttemptRecord] { self.state.withLock { $0.ended } }

    /// Takes note of a call that begins.
    ///
    /// - Parameter cause: Why, where whoever asks knows; else it is told from the call before.
    /// - Returns: Its number, why it is made, and its span.
    package func begin(
        _ provider: ProviderID,
        model: String,
        cause: AttemptCause?
    ) -> Mark {
        var hasher = Hasher()
        hasher.combine(provider)
        hasher.combine(model)
        let hash = hasher.finalize()
        let (number, likely) = self.state.withLock { state -> (Int, AttemptCause) in
            state.begun += 1
            defer { state.last = hash }
            return (state.begun, state.begun == 1 ? .first : state.last == hash ? .retry : .failover)
        }
        return Mark(
            number: number, cause: cause ?? likely,
            trace: self.trace.flatMap { trace in self.spans.map { trace.child($0.id()) } })
    }

    /// Keeps the record of a call that has ended.
    package func end(_ record: AttemptRecord) {
        self.state.withLock { state in
            if state.ended.count < Self.capacity { state.ended.append(record) }
        }
    }
}
