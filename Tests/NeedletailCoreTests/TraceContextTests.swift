import NeedletailCore
import Testing

@Suite("W3C trace context")
struct TraceContextTests {
    private static let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("what is read is written alike")
    func roundTrip() throws {
        let context = try #require(TraceContext(traceparent: Self.good))
        #expect(context.traceparent == Self.good && context.isSampled && context.spanText == "00f067aa0ba902b7")
        let child = context.child(0xABC)
        #expect(child.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000abc-01")
        #expect(child.parentSpanID == context.spanID)
    }

    @Test(
        "later versions are read as far as they are known",
        arguments: [
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02",
        ])
    func later(text: String) throws {
        #expect(try #require(TraceContext(traceparent: text)).isSampled == false)
    }

    @Test(
        "what is malformed is none",
        arguments: [
            "", "00", good + "0", good + "-00", String(good.dropLast()), good.uppercased(),
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-é",
        ])
    func malformed(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test("the share of the traces that begin here and are recorded", arguments: [0, 0.01, 0.25, 1])
    func sampling(ratio: Double) {
        let spans = SpanSource(ratio: ratio, random: .seeded(11))
        let count = 20_000
        let sampled = (0..<count).count { _ in spans.begin(nil).isSampled }
        // Five standard deviations.
        let tolerance = 5 * (Double(count) * ratio * (1 - ratio)).squareRoot()
        #expect(abs(Double(sampled) - Double(count) * ratio) <= tolerance, "\(sampled), seed 11")
    }

    @Test("a trace that began elsewhere is recorded where it was there", arguments: [true, false])
    func parent(isSampled: Bool) throws {
        var parent = try #require(TraceContext(traceparent: Self.good))
        parent.isSampled = isSampled
        parent.state = "vendor=1"
        let span = SpanSource(ratio: isSampled ? 0 : 1, random: .seeded(1)).begin(parent)
        #expect(span.isSampled == isSampled && span.traceID == parent.traceID && span.state == "vendor=1")
    }
}
