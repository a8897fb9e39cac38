public import NeedletailCore
public import Tracing

/// The spans of requests and of their calls, kept by a tracer of
/// [swift-distributed-tracing](https://github.com/apple/swift-distributed-tracing): below the current `ServiceContext`, with
/// the attributes of OpenTelemetry's conventions for generative AI, and told to upstreams as the tracer does it.
public struct TracerSpans: SpanMaker {
    private let tracer: any Tracer

    /// Spans that a tracer keeps.
    public init(_ tracer: any Tracer) {
        self.tracer = tracer
    }

    /// Spans of the tracer that `InstrumentationSystem` has now; `nil` where it has none.
    public static var current: Self? {
        guard !(InstrumentationSystem.instrument is NoOpInstrument) else { return nil }
        let tracer = InstrumentationSystem.tracer
        return tracer is NoOpTracer ? nil : Self(tracer)
    }

    /// See ``SpanMaker/trail(of:operation:model:)``.
    public func trail(
        of request: RequestInfo, operation: NeedletailCore.Operation, model: String
    ) -> RequestTrail {
        var context = InstrumentationContext.current ?? .topLevel
        if let trace = request.trace {
            self.tracer.extract(TracerFields.of(trace), into: &context, using: TracerFields())
        }
        return RequestTrail(TracerSpan(self.tracer, operation, model: model, below: context, .internal))
    }
}
