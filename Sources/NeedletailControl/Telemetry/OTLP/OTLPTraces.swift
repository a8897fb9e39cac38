import NIOCore
import NeedletailCore

/// Writes the spans of requests: a SERVER span for each, and below it a CLIENT span for each attempt, with what the records
/// say of themselves.
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
        Self.begin(
            trace, name: record.spanName, .server,
            start: record.endWallNanoseconds - record.duration.wholeNanoseconds, end: record.endWallNanoseconds,
            into: &span)
        var attributes = OTLPAttributes()
        record.writeSpanAttributes(to: &attributes)
        Self.end(record.error, attributes, into: &span)
    }

    private static func write(
        _ attempt: AttemptRecord, _ trace: TraceContext, start: Int64, into span: inout ProtobufWriter
    ) {
        Self.begin(
            trace, name: attempt.spanName, .client, start: start, end: start + attempt.duration.wholeNanoseconds,
            into: &span)
        var attributes = OTLPAttributes()
        attempt.writeSpanAttributes(to: &attributes)
        Self.end(attempt.error, attributes, into: &span)
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

    private static func end(_ error: NeedletailError?, _ attributes: OTLPAttributes, into span: inout ProtobufWriter) {
        attributes.write(9, into: &span)
        // Left unset where nothing went wrong, as instrumentations are asked to.
        guard let error else { return }
        span.message(15) {
            $0.string(2, LogLine.cut(error.message))
            $0.int(3, 2)
        }
    }
}
