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

    @Test("Beyond its limit lines are added up: no call, token or amount is lost")
    func sums() {
        var buffer = LedgerBuffer(limit: 3)
        for index in 0..<100 { buffer.append(Self.line(index, key: "k\(index % 2)")) }
        #expect(buffer.count == 5)
        #expect(buffer.summedCalls == 97)
        let lines = buffer.take(1_000)
        #expect(lines.reduce(0) { $0 + $1.calls } == 100)
        #expect(lines.reduce(0) { $0 + ($1.usage?.inputTokens ?? 0) } == 1_000)
        #expect(lines.reduce(Money.zero) { $0 + ($1.cost?.amount ?? .zero) } == Money(picodollars: 700))
        #expect(buffer.count == 0)
    }

    @Test("Kinds are bounded too, and what is put back comes first")
    func bounds() {
        var buffer = LedgerBuffer(limit: 2)
        for index in 0..<10_000 { buffer.append(Self.line(index, key: "k\(index)")) }
        #expect(buffer.count <= 2 + LedgerBuffer.maximumSums + 1)
        let first = buffer.take(1)
        #expect(first.map(\.requestID) == ["r0"])
        buffer.putBack(first)
        #expect(buffer.take(1).map(\.requestID) == ["r0"])
        #expect(buffer.take(100_000).reduce(0) { $0 + $1.calls } == 9_999)
    }
}
