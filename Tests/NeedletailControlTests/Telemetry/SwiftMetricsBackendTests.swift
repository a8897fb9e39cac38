import CoreMetrics
import NIOCore
import Testing

@testable import NeedletailControl

@Suite("Metrics: the back-end of swift-metrics")
struct SwiftMetricsBackendTests {
    private let registry = MetricRegistry()

    private var text: String { String(buffer: MetricExposition.text(self.registry.read(), .prometheus)) }

    @Test("every kind of metric appears under Prometheus' name")
    func kinds() {
        let backend = SwiftMetricsBackend(self.registry)
        backend.makeCounter(label: "http.requests", dimensions: [("the.path", "/a\"b")]).increment(by: 3)
        backend.makeCounter(label: "http.requests", dimensions: [("the.path", "/a\"b")]).increment(by: 4)
        backend.makeFloatingPointCounter(label: "spent", dimensions: []).increment(by: 0.25)
        let meter = backend.makeMeter(label: "level", dimensions: [])
        meter.set(Int64(5))
        meter.decrement(by: 0.5)
        backend.makeRecorder(label: "last", dimensions: [], aggregate: false).record(Int64(7))
        backend.makeRecorder(label: "sizes", dimensions: [], aggregate: true).record(0.5)
        backend.makeTimer(label: "pool.wait", dimensions: []).recordNanoseconds(2_000_000)
        for line in [
            #"http_requests_total{the_path="/a\"b"} 7"#, "spent_total 0.25", "level 4.5", "last 7", "sizes_sum 0.5",
            "sizes_count 1", "pool_wait_seconds_sum 0.002", #"pool_wait_seconds_bucket{le="0.005"} 1"#,
        ] {
            #expect(self.text.contains(line + "\n"), "\(line) is not in\n\(self.text)")
        }
    }

    @Test("strange names and numbers do no harm", arguments: ["", "9lives", "größe", "a b", "x_total"])
    func names(label: String) {
        let name = SwiftMetricsBackend.name(label, suffix: "_total")
        #expect(name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil && name.hasSuffix("_total"))
        #expect(!name.hasSuffix("_total_total"))
        let backend = SwiftMetricsBackend(self.registry)
        for value in [Double.nan, .infinity, -.infinity, -1, 1e300] {
            backend.makeRecorder(label: label, dimensions: [], aggregate: true).record(value)
            backend.makeFloatingPointCounter(label: label, dimensions: []).increment(by: value)
        }
        backend.makeCounter(label: label, dimensions: []).increment(by: -1)
        #expect(self.text.contains("_count 5"))
    }

    @Test("series are bounded")
    func bound() {
        let backend = SwiftMetricsBackend(self.registry)
        for index in 0..<(SwiftMetricsBackend.capacity + 50) {
            backend.makeCounter(label: "n", dimensions: [("i", "\(index)")]).increment(by: 1)
        }
        #expect(self.registry.read().first?.samples.count == SwiftMetricsBackend.capacity)
    }
}
