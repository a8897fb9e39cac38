public import NeedletailCore

/// Who hears of requests and attempts, and what they are told; shared by the layers that tell.
public struct Observation: Sendable {
    /// Who is told, in this order.
    public var observers: [any RequestObserver]
    /// Begins the spans of requests; `nil` traces nothing. Default nil.
    public var spans: (any SpanMaker)?
    /// Whether upstreams are told of the trace (`traceparent`). Default true.
    public var propagatesTrace: Bool
    /// Counts the requests under way.
    public var inFlight: InFlightCount
    /// Counts the requests that wait in groups' queues.
    public var waiting = InFlightCount()

    /// Creates an observation.
    public init(
        _ observers: [any RequestObserver] = [],
        spans: (any SpanMaker)? = nil,
        propagatesTrace: Bool = true,
        inFlight: InFlightCount = InFlightCount()
    ) {
        self.observers = observers
        self.spans = spans
        self.propagatesTrace = propagatesTrace
        self.inFlight = inFlight
    }
}
