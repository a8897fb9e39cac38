import NIOCore
import Testing

@testable import NeedletailControl

@Suite("Metrics: cells and the text for Prometheus")
struct MetricExpositionTests {
    private static func registry() -> MetricRegistry {
        let registry = MetricRegistry()
        registry.counters("b_total", "Bs.").counter(MetricLabels(["model": "a\\b\"c\nd\u{1}e"])).add(3)
        let histogram = registry.histograms("a_seconds", "As.", digits: 9, bounds: [10_000_000, 1_000_000_000])
            .histogram(MetricLabels(["x": "y"]))
        for value in [0, 10_000_000, 10_000_001, 2_500_000_000] { histogram.record(value) }
        registry.gauges("c", "Cs.").gauge().set(-0.5)
        _ = registry.counters("empty_total", "None.")
        registry.collect { [.gauge("d", "Ds.", .infinity)] }
        return registry
    }

    @Test("Prometheus' own format")
    func prometheus() {
        let text = String(buffer: MetricExposition.text(Self.registry().read(), .prometheus))
        #expect(
            text == """
                # HELP a_seconds As.
                # TYPE a_seconds histogram
                a_seconds_bucket{x="y",le="0.01"} 2
                a_seconds_bucket{x="y",le="1"} 3
                a_seconds_bucket{x="y",le="+Inf"} 4
                a_seconds_sum{x="y"} 2.520000001
                a_seconds_count{x="y"} 4
                # HELP b_total Bs.
                # TYPE b_total counter
                b_total{model="a\\\\b\\"c\\nd e"} 3
                # HELP c Cs.
                # TYPE c gauge
                c -0.5
                # HELP d Ds.
                # TYPE d gauge
                d +Inf

                """)
    }

    @Test("OpenMetrics names counters without their suffix, has points in bounds, and an end")
    func openMetrics() {
        let text = String(buffer: MetricExposition.text(Self.registry().read(), .openMetrics))
        #expect(text.contains("# TYPE b counter\nb_total{"))
        #expect(text.contains("le=\"1.0\"} 3\n") && text.hasSuffix("# EOF\n"))
        #expect(MetricExposition.Format(accept: "application/openmetrics-text; version=1.0.0,*/*") == .openMetrics)
        #expect(MetricExposition.Format(accept: "text/plain") == .prometheus)
    }

    @Test(
        "whole numbers of a small unit are written exactly",
        arguments: [
            (0, 9, "0"), (1, 9, "0.000000001"), (1_500_000_000, 9, "1.5"), (-1, 2, "-0.01"), (100, 2, "1"),
            (.max, 12, "9223372.036854775807"), (7, 0, "7"),
        ])
    func decimals(value: Int, digits: Int, text: String) {
        #expect(MetricExposition.decimal(value, digits) == text)
    }

    @Test("the bounds of every histogram ascend and fit")
    func bounds() {
        for bounds in [
            HistogramBounds.operation, HistogramBounds.tokens, HistogramBounds.firstToken, HistogramBounds.perToken,
            HistogramBounds.overhead, HistogramBounds.lag,
        ] {
            #expect(bounds == bounds.sorted() && Set(bounds).count == bounds.count)
            #expect(bounds.count <= HistogramCell.maximumBounds)
        }
        #expect(HistogramBounds.tokens.last == 67_108_864)
    }

    @Test("nothing is lost when all threads count at once")
    func parallel() async {
        let registry = MetricRegistry()
        let counter = registry.counters("n_total", "N.").counter()
        let histogram = registry.histograms("h", "H.", digits: 0, bounds: [1]).histogram()
        let gauge = registry.gauges("g", "G.").gauge()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for index in 0..<10_000 {
                        counter.add()
                        histogram.record(index % 3)
                        gauge.add(1)
                    }
                }
            }
        }
        #expect(counter.value == 80_000 && histogram.snapshot.count == 80_000 && gauge.value == 80_000)
        #expect(histogram.snapshot.sum == 8 * (3333 * 3 + 0))
    }

    @Test("what /proc says of a process, whatever its name is")
    func process() {
        let text =
            "12 (a b) c) S 1 12 12 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 7 0 900 4096000 30 18446744073709551615 1 1"
        let status = ProcessMetrics.parse(stat: text, pageSize: 4096)
        #expect(
            status
                == ProcessMetrics.Status(
                    residentBytes: 122_880, virtualBytes: 4_096_000, cpuTicks: 300, startTicks: 900, threads: 7))
        #expect(ProcessMetrics.parse(stat: "12 (x", pageSize: 1) == nil)
        #expect(ProcessMetrics.parse(stat: "12 (x) S 1", pageSize: 1) == nil)
    }

    @Test("a probe's lag is what it came late")
    func lag() {
        #expect(EventLoopLag.lag(.milliseconds(251)) == .milliseconds(1))
        #expect(EventLoopLag.lag(.milliseconds(249)) == .zero)
    }
}
