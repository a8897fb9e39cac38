import Logging
import NIOCore
import NeedletailCore

/// Writes log lines as records of the
/// [logs data model](https://opentelemetry.io/docs/specs/otel/logs/data-model/): what a line of JSON would say, member by
/// member, so that both say the same.
enum OTLPLogs {
    /// `ExportLogsServiceRequest`.
    static func request(_ entries: [LogWriter.Entry], _ resource: OTLPResource) -> ByteBuffer {
        resource.envelope { scope in
            for entry in entries {
                var line = ByteBuffer()
                LogFormat.json.write(entry, into: &line)
                guard let members = try? JSONDocument(line).root else { continue }
                scope.message(2) { Self.write(members, entry, into: &$0) }
            }
        }.bytes
    }

    /// The members that have a place of their own in a record.
    private static let placed: Set<String> = ["timestamp", "level", "event", "trace_id", "span_id"]

    private static func write(_ line: JSONView, _ entry: LogWriter.Entry, into record: inout ProtobufWriter) {
        let level = line["level"]?.string ?? ""
        let event = line["event"]?.string ?? ""
        let time = UInt64(max(0, entry.wallNanoseconds))
        record.fixed64(1, time)
        record.int(2, Self.severity(level))
        record.string(3, level)
        record.message(5) { OTLPAttributes.write(.text(line["message"]?.string ?? event), into: &$0) }
        var attributes = OTLPAttributes()
        for member in line.members where !Self.placed.contains(member.key) {
            switch member.value.kind {
            case .string: attributes.add(member.key, member.value.string)
            case .boolean: attributes.add(member.key, member.value.bool ?? false)
            case .number:
                if let whole = member.value.int {
                    attributes.add(member.key, whole)
                } else {
                    attributes.add(member.key, member.value.double)
                }
            case .array, .object: attributes.add(member.key, String(buffer: member.value.raw))
            case .null: break
            }
        }
        attributes.write(6, into: &record)
        if let trace = entry.trace {
            record.fixed32(8, trace.isSampled ? 1 : 0)
            record.bytes(9, trace.traceIDHigh, trace.traceIDLow)
            record.bytes(10, trace.spanID)
        }
        record.fixed64(11, time)
        // A name is one of few: what a library logs is a sentence.
        if !event.contains(" ") { record.string(12, event) }
    }

    /// `SeverityNumber`.
    private static func severity(_ level: String) -> Int {
        switch Logger.Level(rawValue: level) {
        case .trace: 1
        case .debug: 5
        case .info, nil: 9
        case .notice: 10
        case .warning: 13
        case .error: 17
        case .critical: 21
        }
    }
}

extension LogWriter.Entry {
    /// When it happened, since 1970.
    fileprivate var wallNanoseconds: Int64 {
        switch self {
        case .line(let line): line.wallNanoseconds
        case .request(let record, _): record.endWallNanoseconds
        case .refusal(_, let wallNanoseconds): wallNanoseconds
        case .alert(let event): event.wallNanoseconds
        }
    }

    /// The trace that it belongs to.
    fileprivate var trace: TraceContext? {
        if case .request(let record, _) = self { record.trace ?? record.request.trace } else { nil }
    }
}
