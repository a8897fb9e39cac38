import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// What a dialect wrote it reads, writes and reads again as the same; over requests and replies put together by seed
/// from the samples of every field.
@Suite("Each dialect's round trip")
struct RoundTripTests {
    private static let seeds = 0..<40

    @Test("a request reads the same after it was written again", arguments: DialectID.allCases, seeds)
    func request(_ dialect: DialectID, _ seed: Int) throws {
        var random = SplitMix(UInt64(seed))
        var request = RequestSample.plain(dialect)
        let fields = ModelField.allCases.filter { RequestSample.all[$0] != nil }.shuffled(using: &random).prefix(4)
        for field in fields { RequestSample.all[field]?.set(&request) }
        request.isStreaming = seed.isMultiple(of: 2)
        var bytes = ByteBuffer()
        do {
            _ = try dialect.dialect.encodeRequest(request, into: &bytes)
        } catch {
            // Refused: nothing was written.
            return
        }
        let first = try dialect.dialect.decodeRequest(bytes)
        var again = ByteBuffer()
        let losses = try dialect.dialect.encodeRequest(first, into: &again)
        #expect(losses.isEmpty, "\(fields): \(losses) in \(String(buffer: bytes))")
        let second = try dialect.dialect.decodeRequest(again)
        #expect(second == first, "\(fields): \(String(buffer: bytes)) became \(String(buffer: again))")
    }

    @Test("a reply reads the same after it was written again", arguments: DialectID.allCases, seeds)
    func reply(_ dialect: DialectID, _ seed: Int) throws {
        var random = SplitMix(UInt64(seed))
        var reply = ReplySample.plain(dialect)
        let fields = ModelField.reply.sorted { $0.rawValue < $1.rawValue }.shuffled(using: &random).prefix(4)
        for field in fields { ReplySample.all[field]?.set(&reply) }
        var bytes = ByteBuffer()
        _ = try dialect.dialect.encodeReply(reply, created: 1, into: &bytes)
        let first = try dialect.dialect.decodeReply(bytes)
        var again = ByteBuffer()
        let losses = try dialect.dialect.encodeReply(first, created: 1, into: &again)
        #expect(losses.isEmpty, "\(fields): \(losses) in \(String(buffer: bytes))")
        let second = try dialect.dialect.decodeReply(again)
        #expect(second == first, "\(fields): \(String(buffer: bytes)) became \(String(buffer: again))")
    }

    /// SplitMix64.
    private struct SplitMix: RandomNumberGenerator {
        private var state: UInt64

        init(_ seed: UInt64) { self.state = seed }

        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var value = self.state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }
}
