import HTTPTypes
import NeedletailCore
import Tracing

/// One span of a tracer.
final class TracerSpan: OpenSpan {
    let trace: TraceContext?
    let fields: HTTPFields
    private let span: any Span
    private let tracer: any Tracer

    /// Begins one.
    ///
    /// - Parameter context: Has the span above, where there is one.
    init(
        _ tracer: any Tracer, _ operation: NeedletailCore.Operation, model: String,
        below context: InstrumentationContext, _ kind: SpanKind
    ) {
        let span: any Span = tracer.startSpan(operation.spanName(model: model), context: context, ofKind: kind)
        var fields = HTTPFields()
        tracer.inject(span.context, into: &fields, using: TracerFields())
        self.span = span
        self.tracer = tracer
        self.fields = fields
        self.trace = TracerFields.trace(fields)
    }

    func call(_ operation: NeedletailCore.Operation, model: String) -> any OpenSpan {
        TracerSpan(self.tracer, operation, model: model, below: self.span.context, .client)
    }

    func run(
        _ body: () async throws(NeedletailError) -> InferenceReply
    ) async throws(NeedletailError) -> InferenceReply {
        let result = await InstrumentationContext.withValue(self.span.context) {
            () async -> Result<InferenceReply, NeedletailError> in
            do throws(NeedletailError) { return .success(try await body()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    func end(_ record: RequestRecord) {
        var attributes = TracerAttributes()
        record.writeSpanAttributes(to: &attributes)
        self.end(attributes, record.error)
    }

    func end(_ record: AttemptRecord) {
        var attributes = TracerAttributes()
        record.writeSpanAttributes(to: &attributes)
        self.end(attributes, record.error)
    }

    private func end(_ attributes: TracerAttributes, _ error: NeedletailError?) {
        // What a sampler has left out is nowhere to be read.
        if self.span.isRecording {
            self.span.attributes.merge(attributes.attributes)
            if let error {
                self.span.setStatus(SpanStatus(code: .error, message: TelemetryText.cut(error.message)))
            }
        }
        self.span.end()
    }
}
