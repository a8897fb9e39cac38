import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("OTLP: one exporter takes another's place", .timeLimit(.minutes(5)))
struct ExporterSlotTests {
    /// A collector of numbers; answers with 200, or as it is told.
    private final class Numbers: HTTPTransport {
        private let seen = Mutex<[Int]>([])
        private let status: Int

        init(status: Int = 200) { self.status = status }

        var all: [Int] { self.seen.withLock { $0 } }

        func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
            if self.status == 200 {
                let numbers = String(buffer: request.body).split(separator: ",").compactMap { Int($0) }
                self.seen.withLock { $0 += numbers }
            }
            return TransportResponse(status: self.status, headers: [:], body: TransportBody(ByteBuffer()))
        }
    }

    /// A collector that answers nobody before the caller is cancelled.
    private final class Silence: HTTPTransport {
        let isAsked = Latch()

        func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
            self.isAsked.open()
            await Latch().wait()
            throw NeedletailError(.cancelled, "Nobody waits.")
        }
    }

    private final class Count: Sendable {
        private let state = Atomic(0)
        var value: Int { self.state.load(ordering: .relaxed) }
        func add() { self.state.add(1, ordering: .relaxed) }
    }

    private let clock = JumpingTime()

    private func exporter(_ transport: any HTTPTransport, queue: Int = 100_000) -> BatchExporter<Int> {
        BatchExporter(
            OTLPClient(
                .init(transport: transport, path: "/", headers: [:]), time: self.clock.source, random: .seeded(1)),
            batching: .init(queue: queue, batch: 100), time: self.clock.source
        ) { ByteBuffer(string: $0.map(String.init).joined(separator: ",")) }
    }

    @Test("what is recorded meanwhile is sent once, by the one or the other")
    func replaced() async {
        let collectors = (0..<5).map { _ in Numbers() }
        let exporters = collectors.map { self.exporter($0) }
        let slot = ExporterSlot<Int>()
        slot.replace(exporters[0])
        let (pushers, share) = (4, 5_000)
        let count = Count()
        await withDiscardingTaskGroup { group in
            for pusher in 0..<pushers {
                group.addTask {
                    for index in 0..<share {
                        slot.push(pusher * share + index)
                        count.add()
                    }
                }
            }
            group.addTask {
                for next in 1..<exporters.count {
                    while count.value < next * share / 2 { await Task.yield() }
                    slot.replace(exporters[next])
                    exporters[next - 1].close()
                }
            }
        }
        exporters[exporters.count - 1].close()
        for exporter in exporters { await exporter.run() }
        #expect(collectors.flatMap(\.all).sorted() == Array(0..<pushers * share))
        #expect(exporters.allSatisfy { $0.dropped == 0 })
    }

    @Test("without one, things go nowhere, and what a closed one has nobody takes is dropped and counted")
    func dead() async {
        let slot = ExporterSlot<Int>()
        slot.push(1)
        let exporter = self.exporter(Numbers(status: 400))
        slot.replace(exporter)
        for number in 0..<250 { slot.push(number) }
        slot.replace(nil)
        exporter.close()
        slot.push(2)
        await exporter.run()
        #expect(exporter.dropped == 250)
        #expect(!exporter.push(3) && exporter.dropped == 250)
    }

    @Test("a batch that is under way when the sender is stopped is sent by the next")
    func stopped() async {
        let silence = Silence()
        let exporter = self.exporter(silence)
        for number in 0..<150 { _ = exporter.push(number) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await exporter.run() }
            await silence.isAsked.wait()
            group.cancelAll()
        }
        #expect(exporter.dropped == 0 && exporter.waiting == 150)
    }
}
