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
        /// Its span's identity.
        package var trace: TraceContext?
        /// Its span, where somebody else keeps it.
        package var span: (any OpenSpan)?

        /// Creates a mark.
        package init(number: Int, cause: AttemptCause, trace: TraceContext? = nil, span: (any OpenSpan)? = nil) {
            self.number = number
            self.cause = cause
            self.trace = trace
            self.span = span
        }
    }

    /// Far above what any group allows; further attempts are told to observers and not kept here.
    private static let capacity = 64

    /// The identity of the request's span; `nil` if it is not traced.
    public let trace: TraceContext?
    /// The request's span, where somebody else keeps it.
    package let span: (any OpenSpan)?
    private let spans: SpanSource?
    private let state = Mutex(State())

    /// Creates an empty trail.
    ///
    /// - Parameters:
    ///   - trace: The request's span; `nil` if it is not traced.
    ///   - spans: Makes the attempts' spans.
    public init(trace: TraceContext? = nil, spans: SpanSource? = nil) {
        self.trace = trace
        self.span = nil
        self.spans = spans
    }

    /// Creates an empty trail of a request whose span somebody else keeps.
    package init(_ span: any OpenSpan) {
        self.trace = span.trace
        self.span = span
        self.spans = nil
    }

    /// The calls that have ended.
    public var attempts: [AttemptRecord] { self.state.withLock { $0.ended } }

    /// Takes note of a call that begins.
    ///
    /// - Parameter cause: Why, where whoever asks knows; else it is told from the call before.
    /// - Returns: Its number, why it is made, and its span.
    package func begin(
        _ provider: ProviderID,
        _ operation: Operation = .chat,
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
        if let span = self.span?.call(operation, model: model) {
            return Mark(number: number, cause: cause ?? likely, trace: span.trace, span: span)
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
