/// Begins the spans of requests: ``SpanSource`` those that are written from the records of what has ended, `TracerSpans` of
/// NeedletailRouting those that a tracer of swift-distributed-tracing keeps.
public protocol SpanMaker: Sendable {
    /// Begins the span of a request, and what its attempts' spans are begun with.
    ///
    /// - Parameters:
    ///   - request: Whose ``RequestInfo/trace`` is the span above, where there is one.
    ///   - operation: What is asked for.
    ///   - model: The model that is asked for; empty for operations without one.
    func trail(of request: RequestInfo, operation: Operation, model: String) -> RequestTrail
}

extension SpanSource: SpanMaker {
    /// See ``SpanMaker/trail(of:operation:model:)``.
    public func trail(of request: RequestInfo, operation: Operation, model: String) -> RequestTrail {
        RequestTrail(trace: self.begin(request.trace), spans: self)
    }
}
