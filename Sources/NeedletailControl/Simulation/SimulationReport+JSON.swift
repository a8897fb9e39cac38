public import NIOCore
import NeedletailCore
public import NeedletailRouting

extension SimulationReport {
    /// The report as one JSON object; the same bytes for the same run.
    public func json() -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        json.key("seed")
        json.int(self.seed)
        json.member("trace", self.traceText)
        json.key("duration_seconds")
        Self.number(self.duration / .seconds(1), &json)
        json.member("requests", self.requests)
        json.member("answered", self.finished)
        json.member("failed", self.failed)
        json.member("left", self.abandoned)
        json.key("availability")
        Self.number(self.availability, &json)
        json.key("latency_ms")
        Self.percentiles(self.latency, &json)
        json.key("first_byte_ms")
        Self.percentiles(self.firstByte, &json)
        json.member("calls", self.calls)
        json.key("attempts_per_request")
        Self.number(self.attemptsPerRequest, &json)
        json.key("requests_by_attempts")
        json.beginArray()
        for count in self.attempts { json.int(count) }
        json.endArray()
        json.member("cost_usd", Self.dollars(self.cost))
        json.key("errors")
        json.beginObject()
        for (code, row) in self.errors.sorted(by: { $0.key < $1.key }) {
            json.key(code)
            json.beginObject()
            json.member("count", row.count)
            json.member("without_call", row.withoutCall)
            json.member("after_commit", row.afterCommit)
            json.endObject()
        }
        json.endObject()
        json.key("providers")
        json.beginObject()
        for (name, row) in self.providers.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            Self.write(row, &json)
        }
        json.endObject()
        json.key("timeline")
        json.beginArray()
        for (index, slice) in self.slices.enumerated() { self.write(slice, index, &json) }
        json.endArray()
        json.endObject()
        return json.bytes
    }

    /// Numbers with at most six places, as people read them and every build writes them.
    private static func number(_ value: Double, _ json: inout JSONWriter) {
        json.raw(JSONText(unchecked: ByteBuffer(string: "\((value * 1e6).rounded() / 1e6)")))
    }

    private static func percentiles(_ histogram: LatencyHistogram, _ json: inout JSONWriter) {
        json.beginObject()
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            json.key(name)
            if let value = histogram.percentile(share) {
                Self.number(value / .milliseconds(1), &json)
            } else {
                json.null()
            }
        }
        json.endObject()
    }

    private static func write(_ row: ProviderRow, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("calls", row.calls)
        json.member("answered", row.finished)
        json.member("left", row.abandoned)
        json.key("failures")
        json.beginObject()
        for (code, count) in row.failures.sorted(by: { $0.key < $1.key }) {
            json.key(code)
            json.int(count)
        }
        json.endObject()
        json.member("cost_usd", Self.dollars(row.cost))
        json.member("breaker_openings", row.breakerOpenings)
        json.endObject()
    }

    private func write(_ slice: Slice, _ index: Int, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("from_seconds")
        Self.number(self.duration / .seconds(1) * Double(index) / Double(self.slices.count), &json)
        json.member("requests", slice.requests)
        json.member("failed", slice.failures)
        json.key("latency_ms")
        Self.percentiles(slice.latency, &json)
        json.key("calls")
        json.beginObject()
        for (name, count) in slice.calls.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            json.int(count)
        }
        json.endObject()
        json.endObject()
    }

    /// The trace as people compare it.
    var traceText: String {
        let digits = String(self.trace.hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Pico-dollars as dollars with six places.
    static func dollars(_ pico: Int64) -> String {
        let micro = (pico + 500_000) / 1_000_000
        let places = String(micro % 1_000_000)
        return "\(micro / 1_000_000).\(String(repeating: "0", count: 6 - places.count))\(places)"
    }
}
