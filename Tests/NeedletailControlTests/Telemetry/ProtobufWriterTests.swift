import NIOCore
import Testing

@testable import NeedletailControl

@Suite("OTLP: Protocol Buffers")
struct ProtobufWriterTests {
    private static func bytes(_ write: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        write(&writer)
        return Array(writer.bytes.readableBytesView)
    }

    @Test("fields are written as the encoding's guide shows them")
    func fields() {
        // The guide's own examples.
        #expect(Self.bytes { $0.int(1, 150) } == [0x08, 0x96, 0x01])
        #expect(Self.bytes { $0.string(2, "testing") } == [0x12, 0x07] + Array("testing".utf8))
        #expect(Self.bytes { $0.message(3) { $0.int(1, 150) } } == [0x1A, 0x03, 0x08, 0x96, 0x01])
        #expect(Self.bytes { $0.int(1, -2) } == [0x08, 0xFE] + Array(repeating: 0xFF, count: 8) + [0x01])
        #expect(Self.bytes { $0.fixed64(1, 1) } == [0x09, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(Self.bytes { $0.fixed32(16, 1) } == [0x85, 0x01, 1, 0, 0, 0])
        #expect(Self.bytes { $0.double(1, 1) } == [0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
        #expect(Self.bytes { $0.packed(6, [1, 2]) } == [0x32, 16, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
        #expect(Self.bytes { $0.bytes(1, 0x0102) } == [0x0A, 8, 0, 0, 0, 0, 0, 0, 1, 2])
    }

    @Test("defaults are left out, empty messages are not")
    func defaults() {
        #expect(
            Self.bytes {
                $0.int(1, 0)
                $0.bool(2, false)
                $0.string(3, "")
                $0.packed(4, [])
                $0.fixed32(5, 0)
            }.isEmpty)
        #expect(Self.bytes { $0.message(1) { _ in } } == [0x0A, 0])
    }
}
