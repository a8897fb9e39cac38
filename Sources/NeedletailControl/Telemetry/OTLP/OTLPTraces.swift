import NIOCore
import NeedletailCore

/// Writes the spans of requests: a SERVER span for each, and below it a CLIENT span for each attempt, with the attributes
/// of the [semantic conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/). Never what was said.
enum OTLPTraces {
    private enum Kind: Int {
        case server = 2
        case client = 3
    }

    /// `ExportTraceServiceRequest`; records without a trace are left out.
    static func request(_ records: [RequestRecord], _ resource: OTLPResource) -> ByteBuffer {
        resource.envelope { scope in
            for record in records {
                guard let trace = record.trace else { continue }
                scope.message(2) { Self.write(record, trace, into: &$0) }
                let end = record.start.advanced(by: record.duration)
                for attempt in record.attempts {
                    guard let span = attempt.trace else { continue }
                    let start =
                        record.endWallNanoseconds - end.duration(since: attempt.start).wholeNanoseconds
                    scope.message(2) { Self.write(attempt, span, start: start, into: &$0) }
                }
            }
        }.bytes
    }

    /// How many spans a record makes.
    static func count(_ record: RequestRecord) -> Int {
        record.trace == nil ? 0 : 1 + record.attempts.count { $0.trace != nil }
    }

    private static func write(_ record: RequestRecord, _ trace: TraceContext, into span: inout ProtobufWriter) {
        let operation = record.operation.conventionalName
        Self.begin(
            trace, name: record.model.isEmpty ? operation : "\(operation) \(LogLine.cut(record.model))", .server,
            start: record.endWallNanoseconds - record.duration.wholeNanoseconds, end: record.endWallNanoseconds,
            into: &span)
        var attributes = OTLPAttributes()
        attributes.add("gen_ai.operation.name", operation)
        attributes.add("gen_ai.provider.name", record.provider?.rawValue)
        attributes.add("gen_ai.request.model", record.model)
        attributes.add("gen_ai.response.model", record.answeredModel)
        attributes.add("http.response.status_code", record.status)
        Self.add(record.usage, to: &attributes)
        attributes.add("gen_ai.server.time_to_first_token", record.timeToFirstToken.map(Self.seconds))
        attributes.add("needletail.request_id", record.id)
        attributes.add("needletail.surface", record.surface?.rawValue)
        attributes.add("needletail.stream", record.isStreaming)
        attributes.add("needletail.cached", record.isCached)
        attributes.add("needletail.attempts", record.attempts.count)
        attributes.add("needletail.overhead", Self.seconds(record.overhead))
        attributes.add("needletail.key", record.keyName)
        attributes.add("needletail.tenant", record.request.tenant)
        attributes.add("needletail.cost_usd", record.cost.picoDollars.map { Double($0) / 1e12 })
        attributes.add("needletail.lossy", record.losses.prefix(32).map { LogLine.cut($0.field) })
        Self.end(record.outcome, attributes, into: &span)
    }

    private static func write(
        _ attempt: AttemptRecord, _ trace: TraceContext, start: Int64, into span: inout ProtobufWriter
    ) {
        let operation = attempt.operation.conventionalName
        Self.begin(
            trace, name: "\(operation) \(LogLine.cut(attempt.model))", .client, start: start,
            end: start + attempt.duration.wholeNanoseconds, into: &span)
        var attributes = OTLPAttributes()
        attributes.add("gen_ai.operation.name", operation)
        attributes.add("gen_ai.provider.name", attempt.provider.rawValue)
        attributes.add("gen_ai.request.model", attempt.model)
        Self.add(attempt.outcome.usage, to: &attributes)
        attributes.add(
            "http.response.status_code", attempt.error?.upstream?.status ?? (attempt.isCommitted ? 200 : nil))
        attributes.add("needletail.request_id", attempt.request.id)
        attributes.add("needletail.attempt.number", attempt.number)
        attributes.add("needletail.attempt.cause", attempt.cause.rawValue)
        attributes.add("needletail.attempt.sent", attempt.wasSent)
        attributes.add("needletail.attempt.dialect", attempt.dialect?.rawValue)
        attributes.add("needletail.attempt.time_to_first_token", attempt.timeToFirstToken.map(Self.seconds))
        attributes.add("needletail.cost_usd", attempt.cost.picoDollars.map { Double($0) / 1e12 })
        attributes.add("needletail.upstream_request_id", attempt.error?.upstream?.requestID)
        Self.end(attempt.outcome, attributes, into: &span)
    }

    private static func begin(
        _ trace: TraceContext, name: String, _ kind: Kind, start: Int64, end: Int64, into span: inout ProtobufWriter
    ) {
        span.bytes(1, trace.traceIDHigh, trace.traceIDLow)
        span.bytes(2, trace.spanID)
        span.string(3, trace.state ?? "")
        if trace.parentSpanID != 0 { span.bytes(4, trace.parentSpanID) }
        span.string(5, name)
        span.int(6, kind.rawValue)
        span.fixed64(7, UInt64(max(0, start)))
        span.fixed64(8, UInt64(max(0, end)))
    }

    private static func end(_ outcome: Outcome, _ attributes: OTLPAttributes, into span: inout ProtobufWriter) {
        var attributes = attributes
        var message = ""
        if let error = outcome.error {
            attributes.add("error.type", error.code.metricName)
            message = LogLine.cut(error.message)
        }
        if case .abandoned = outcome.end { attributes.add("error.type", NeedletailError.Code.cancelled.metricName) }
        attributes.write(9, into: &span)
        // Left unset where nothing went wrong, as instrumentations are asked to.
        guard outcome.error != nil else { return }
        span.message(15) {
            $0.string(2, message)
            $0.int(3, 2)
        }
    }

    private static func add(_ usage: Usage?, to attributes: inout OTLPAttributes) {
        guard let usage else { return }
        attributes.add("gen_ai.usage.input_tokens", usage.inputTokens)
        attributes.add("gen_ai.usage.output_tokens", usage.outputTokens)
        attributes.add("gen_ai.usage.cache_read.input_tokens", usage.cachedInputTokens)
        attributes.add("gen_ai.usage.cache_creation.input_tokens", usage.cacheWriteTokens)
        attributes.add("gen_ai.usage.reasoning.output_tokens", usage.reasoningTokens)
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.wholeNanoseconds) / 1e9
    }
}
