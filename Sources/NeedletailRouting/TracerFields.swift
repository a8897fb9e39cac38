import HTTPTypes
import NeedletailCore
import Tracing

/// How a tracer reads and writes the headers that carry a trace.
struct TracerFields: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout HTTPFields) {
        // A name that no header can have is nobody's.
        if let name = HTTPField.Name(key) { carrier[name] = value }
    }

    func extract(key: String, from carrier: HTTPFields) -> String? {
        HTTPField.Name(key).flatMap { carrier[$0] }
    }

    /// A span's identity as headers.
    static func of(_ trace: TraceContext) -> HTTPFields {
        var fields = HTTPFields()
        let writer = Self()
        writer.inject(trace.traceparent, forKey: "traceparent", into: &fields)
        if let state = trace.state { writer.inject(state, forKey: "tracestate", into: &fields) }
        return fields
    }

    /// A span's identity, if the headers have one.
    static func trace(_ fields: HTTPFields) -> TraceContext? {
        let reader = Self()
        var trace = reader.extract(key: "traceparent", from: fields).flatMap { TraceContext(traceparent: $0) }
        trace?.state = reader.extract(key: "tracestate", from: fields)
        return trace
    }
}
