import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("Ledger buffer")
struct LedgerBufferTests {
    private static func line(_ index: Int, key: String = "k") -> LedgerLine {
        LedgerLine(
            wallMilliseconds: Int64(index), requestID: "r\(index)", request: Int64(index), key: key, provider: "p",
            model: "m", usage: Usage(inputTokens: 10, outputTokens: 1), cost: Cost(Money(picodollars: 7)))
    }

    private static func takeAll(_ buffer: inout LedgerBuffer) -> [LedgerLine] {
        var lines: [LedgerLine] = []
        while true {
            let batch = buffer.takeBatch()
            if batch.isEmpty { return lines + buffer.takeSums() }
            lines += batch
        }
    }

    @Test("Beyond its limit lines are added up: no call, token or amount is lost", arguments: [1, 2, 3, 1_000])
    func sums(batchSize: Int) {
        var buffer = LedgerBuffer(limit: 3, batchSize: batchSize)
        for index in 0..<100 { buffer.append(Self.line(index, key: "k\(index % 2)")) }
        #expect(buffer.count == 5)
        #expect(buffer.summedCalls == 97)
        let lines = Self.takeAll(&buffer)
        #expect(lines.prefix(3).map(\.requestID) == ["r0", "r1", "r2"])
        #expect(lines.reduce(0) { $0 + $1.calls } == 100)
        #expect(lines.reduce(0) { $0 + ($1.usage?.inputTokens ?? 0) } == 1_000)
        #expect(lines.reduce(Money.zero) { $0 + ($1.cost?.amount ?? .zero) } == Money(picodollars: 700))
        #expect(buffer.count == 0)
    }

    @Test("Kinds are bounded too, and what is put back comes first")
    func bounds() {
        var buffer = LedgerBuffer(limit: 2, batchSize: 1)
        for index in 0..<10_000 { buffer.append(Self.line(index, key: "k\(index)")) }
        #expect(buffer.count <= 2 + LedgerBuffer.maximumSums + 1)
        let first = buffer.takeBatch()
        #expect(first.map(\.requestID) == ["r0"])
        buffer.putBack(first)
        #expect(buffer.takeBatch().map(\.requestID) == ["r0"])
        #expect(Self.takeAll(&buffer).reduce(0) { $0 + $1.calls } == 9_999)
    }

    @Test("What is put back into a full buffer keeps its order, and the newest lines are added up")
    func putBack() {
        var buffer = LedgerBuffer(limit: 6, batchSize: 3)
        for index in 0..<4 { buffer.append(Self.line(index)) }
        let first = buffer.takeBatch()
        for index in 4..<10 { buffer.append(Self.line(index)) }
        buffer.putBack(first)
        #expect(buffer.count == 7)
        let lines = Self.takeAll(&buffer)
        #expect(lines.prefix(6).map(\.requestID) == (0..<6).map { "r\($0)" })
        #expect(lines.map(\.calls) == [1, 1, 1, 1, 1, 1, 4])
        #expect(lines.reduce(Money.zero) { $0 + ($1.cost?.amount ?? .zero) } == Money(picodollars: 70))
    }
}
