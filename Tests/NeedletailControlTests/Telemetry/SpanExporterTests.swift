import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("OTLP: sending spans")
struct SpanExporterTests {
    /// A collector that answers as it is told, then with 200.
    private final class Collector: HTTPTransport {
        private let answers: Mutex<ArraySlice<Int>>
        private let seen = Mutex<[ByteBuffer]>([])

        init(_ answers: [Int] = []) { self.answers = Mutex(answers[...]) }

        var bodies: [ByteBuffer] { self.seen.withLock { $0 } }

        func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
            self.seen.withLock { $0.append(request.body) }
            let status = self.answers.withLock { $0.popFirst() } ?? 200
            if status == 0 { throw NeedletailError(.unreachable, "Nobody is there.") }
            return TransportResponse(
                status: status, headers: status == 429 ? [.retryAfter: "7"] : [:], body: TransportBody(ByteBuffer()))
        }
    }

    private let clock = JumpingTime()

    /// What observes, and what sends.
    private func exporter(
        _ collector: Collector, queue: Int = 100, batch: Int = 10
    ) -> (spans: SpanExporter, batches: BatchExporter<RequestRecord>) {
        let client = OTLPClient(
            .init(transport: collector, path: "/v1/traces", headers: [:]), time: self.clock.source, random: .seeded(1))
        let batches = BatchExporter<RequestRecord>(
            client, batching: .init(queue: queue, batch: batch), time: self.clock.source
        ) { OTLPTraces.request($0, OTLPResource(serviceName: "test", [])) }
        let slot = ExporterSlot<RequestRecord>()
        slot.replace(batches)
        return (SpanExporter(slot), batches)
    }

    private static func record(isSampled: Bool = true, error: NeedletailError? = nil) -> RequestRecord {
        RecordSamples.request(
            error: error, trace: TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, isSampled: isSampled))
    }

    @Test("what is sampled and what failed is sent, in batches")
    func batches() async {
        let collector = Collector()
        let (spans, batches) = self.exporter(collector)
        for _ in 0..<25 { spans.requestEnded(Self.record()) }
        for _ in 0..<5 { spans.requestEnded(Self.record(isSampled: false)) }
        spans.requestEnded(Self.record(isSampled: false, error: NeedletailError(.timedOut, "Late.")))
        spans.requestEnded(RecordSamples.request())
        await batches.flush()
        #expect(collector.bodies.count == 3 && batches.dropped == 0)
        spans.replace(samplesErrors: false)
        spans.requestEnded(Self.record(isSampled: false, error: NeedletailError(.timedOut, "Late.")))
        await batches.flush()
        #expect(collector.bodies.count == 3)
    }

    @Test("the queue is bounded, and what does not fit is counted")
    func bound() {
        let (spans, batches) = self.exporter(Collector(), queue: 10)
        for _ in 0..<25 { spans.requestEnded(Self.record()) }
        #expect(batches.dropped == 15)
    }

    @Test(
        "a collector that may do better is asked again, one that refuses is not",
        arguments: [([503, 502], 3, true), ([0, 429], 3, true), ([400], 1, false), ([404], 1, false)])
    func retries(answers: [Int], calls: Int, isTaken: Bool) async {
        let collector = Collector(answers)
        let client = OTLPClient(
            .init(transport: collector, path: "/", headers: [:]), time: self.clock.source, random: .seeded(1))
        #expect(await client.send(ByteBuffer(string: "x")) == isTaken)
        #expect(collector.bodies.count == calls && client.failedTries == answers.count)
        #expect(client.sentBatches == (isTaken ? 1 : 0))
        if answers.contains(429) { #expect(self.clock.sleeps.last == .seconds(7)) }
    }

    @Test("a collector that never answers is given up after some tries, and the spans are counted as dropped")
    func down() async {
        let collector = Collector(Array(repeating: 0, count: 100))
        let client = OTLPClient(
            .init(transport: collector, path: "/", headers: [:]), time: self.clock.source, random: .seeded(1))
        #expect(await client.send(ByteBuffer()) == false)
        #expect(collector.bodies.count == OTLPClient.maximumTries)
        let (spans, batches) = self.exporter(Collector([0]))
        spans.requestEnded(Self.record())
        await batches.flush()
        #expect(batches.dropped == 1)
    }
}
