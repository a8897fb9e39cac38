import NeedletailCore
import Tracing

/// What a record says of itself, in a tracer's words.
struct TracerAttributes: SpanAttributeWriter {
    private(set) var attributes = SpanAttributes()

    mutating func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { self.attributes[name] = TelemetryText.cut(value) }
    }

    mutating func add(_ name: String, _ value: Int?) {
        if let value { self.attributes[name] = value }
    }

    mutating func add(_ name: String, _ value: Bool) {
        self.attributes[name] = value
    }

    mutating func add(_ name: String, _ value: Double?) {
        if let value { self.attributes[name] = value }
    }

    mutating func add(_ name: String, _ value: [String]) {
        if !value.isEmpty { self.attributes[name] = value }
    }
}
