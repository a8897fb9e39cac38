import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Streams cut into events")
struct FramedEventCutterTests {
    private static let good: ByteBuffer = {
        var out = ByteBuffer()
        EventStreamEncoder.write(.event("first"), into: &out) { $0.member("text", "one") }
        EventStreamEncoder.write(.event("second"), into: &out) { $0.member("text", "two") }
        return out
    }()

    /// A frame whose checksum is wrong.
    private static let bad: ByteBuffer = {
        var out = ByteBuffer()
        EventStreamEncoder.write(.event("third"), into: &out) { $0.member("text", "three") }
        var bytes = Array(out.readableBytesView)
        bytes[bytes.count - 1] ^= 0xFF
        return ByteBuffer(bytes: bytes)
    }()

    @Test("the events before one that cannot be read are handed out, and the next call tells")
    func together() throws {
        var cutter = FramedEventCutter(.amazonEventStream)
        var chunk = Self.good
        chunk.writeImmutableBuffer(Self.bad)
        let pieces = try cutter.cut(chunk)
        #expect(pieces.map { String(buffer: $0.name) } == ["first", "second"])
        var bytes = ByteBuffer()
        for piece in pieces { bytes.writeImmutableBuffer(piece.raw) }
        #expect(bytes == Self.good)
        #expect(cutter.rest == Self.bad)
        #expect(throws: NeedletailError.self) { try cutter.cut(Self.good) }
        var rest = Self.bad
        rest.writeImmutableBuffer(Self.good)
        #expect(cutter.rest == rest)
    }

    @Test("a decoder that failed fails again, fed or not")
    func failures() {
        var large = ByteBuffer(string: "data: 1\n\ndata: ")
        large.writeRepeatingByte(UInt8(ascii: "x"), count: 100)
        large.writeString("\n\ndata: 2\n\n")
        var lines = ByteBuffer(string: "1\n")
        lines.writeRepeatingByte(UInt8(ascii: "x"), count: 100)
        lines.writeString("\n2\n")
        var frames = Self.good
        frames.writeImmutableBuffer(Self.bad)
        Self.check(SSEDecoder(maximumEventSize: 50), large, good: 1)
        Self.check(LineDecoder(maximumLineSize: 50), lines, good: 1)
        Self.check(EventStreamDecoder(), frames, good: 2)
    }

    private static func check(_ decoder: some EventDecoder, _ bytes: ByteBuffer, good: Int) {
        var decoder = decoder
        decoder.feed(bytes)
        var count = 0
        #expect(throws: NeedletailError.self) { while try decoder.next() != nil { count += 1 } }
        #expect(count == good)
        #expect(throws: NeedletailError.self) { try decoder.next() }
        decoder.feed(ByteBuffer(string: "data: 3\n\n"))
        #expect(throws: NeedletailError.self) { try decoder.next() }
    }
}
