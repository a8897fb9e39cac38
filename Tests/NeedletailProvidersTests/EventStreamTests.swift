import Foundation
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Amazon's event stream")
struct EventStreamTests {
    /// A frame written by hand, beside the encoder: any headers, any payload.
    static func frame(_ headers: [(String, [UInt8])], payload: String = "") -> ByteBuffer {
        var inner = ByteBuffer()
        for (name, value) in headers {
            inner.writeInteger(UInt8(name.utf8.count))
            inner.writeString(name)
            inner.writeBytes(value)
        }
        var out = ByteBuffer()
        out.writeInteger(UInt32(inner.readableBytes + payload.utf8.count + 16))
        out.writeInteger(UInt32(inner.readableBytes))
        out.writeInteger(Self.plainCRC(out))
        out.writeImmutableBuffer(inner)
        out.writeString(payload)
        out.writeInteger(Self.plainCRC(out))
        return out
    }

    static func string(_ text: String) -> [UInt8] {
        [7, UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 0xFF)] + Array(text.utf8)
    }

    /// Bit by bit, as the definition has it.
    static func plainCRC(_ buffer: ByteBuffer) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in buffer.readableBytesView {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    static func decode(_ pieces: [ByteBuffer], limit: Int = 1 << 20) throws(NeedletailError) -> [SSEEvent] {
        var decoder = EventStreamDecoder(maximumFrameSize: limit)
        var events: [SSEEvent] = []
        for piece in pieces {
            decoder.feed(piece)
            while let event = try decoder.next() { events.append(event) }
        }
        while let event = try decoder.finish() { events.append(event) }
        return events
    }

    @Test("the checksum is the one of the standard")
    func checksum() {
        #expect(CRC32.checksum(ByteBuffer(string: "123456789")) == 0xCBF4_3926)
        for length in 0..<40 {
            let buffer = ByteBuffer(bytes: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) })
            #expect(CRC32.checksum(buffer) == Self.plainCRC(buffer))
        }
    }

    static let stream: ByteBuffer = {
        var out = ByteBuffer()
        EventStreamEncoder.write(.event("first"), into: &out) { $0.member("text", "one\r") }
        EventStreamEncoder.write(.event("second"), into: &out) { $0.member("text", "two") }
        EventStreamEncoder.write(.exception("throttlingException"), into: &out) { $0.member("message", "slow") }
        return out
    }()

    @Test("what is written is read, wherever it is cut")
    func splits() throws {
        let whole = try Self.decode([Self.stream])
        #expect(whole.map { String(buffer: $0.name) } == ["first", "second", "exception:throttlingException"])
        #expect(String(buffer: whole[0].data) == #"{"text":"one\r"}"#)
        #expect(whole.last?.endOffset == Self.stream.readableBytes)
        #expect(try Self.decode(Self.stream.split(every: 1)) == whole)
        for offset in 0..<Self.stream.readableBytes {
            #expect(try Self.decode(Self.stream.split(at: offset)) == whole)
        }
    }

    @Test("a changed byte anywhere gives no event of its frame")
    func corruption() {
        var sound = ByteBuffer()
        EventStreamEncoder.write(.event("first"), into: &sound) { $0.member("text", "one") }
        for index in 0..<sound.readableBytes {
            var broken = sound
            broken.setInteger(sound.getInteger(at: index, as: UInt8.self)! ^ 0x41, at: index)
            let error = #expect(throws: NeedletailError.self) { try Self.decode([broken]) }
            #expect(error?.code == .malformedReply, "\(index)")
        }
    }

    @Test("a broken frame stays broken, and what came before it stands")
    func stays() throws {
        var decoder = EventStreamDecoder()
        var bytes = Self.stream
        bytes.writeString("no frame at all")
        decoder.feed(bytes)
        for _ in 0..<3 {
            let event = try decoder.next()
            #expect(event != nil)
        }
        #expect(decoder.boundary == Self.stream.readableBytes)
        #expect(throws: NeedletailError.self) { try decoder.next() }
        decoder.feed(Self.stream)
        #expect(throws: NeedletailError.self) { try decoder.next() }
    }

    @Test("a frame that is not whole gives nothing and is pending")
    func truncated() throws {
        var decoder = EventStreamDecoder()
        decoder.feed(Self.frame([(":event-type", Self.string("x"))], payload: "{}").split(at: 20)[0])
        let last = try decoder.finish()
        #expect(last == nil)
        #expect(decoder.pendingBytes == 20)
        #expect(decoder.boundary == 0)
    }

    @Test(
        "lengths that do not fit are refused before anything is kept",
        arguments: [(15, 0), (40, 30), (1 << 21, 0), (1 << 19, 200_000)])
    func lengths(_ size: Int, _ headers: Int) {
        var out = ByteBuffer()
        out.writeInteger(UInt32(size))
        out.writeInteger(UInt32(headers))
        out.writeInteger(Self.plainCRC(out))
        #expect(throws: NeedletailError.self) { try Self.decode([out]) }
    }

    @Test("headers of every type are stepped over")
    func headers() throws {
        let frame = Self.frame(
            [
                ("t", [0]), ("f", [1]), ("byte", [2, 0xFF]), ("short", [3, 0, 1]), ("int", [4, 0, 0, 0, 1]),
                ("long", [5] + [UInt8](repeating: 0, count: 8)), ("bytes", [6, 0, 2, 9, 9]),
                ("time", [8] + [UInt8](repeating: 0, count: 8)), ("id", [9] + [UInt8](repeating: 0, count: 16)),
                (":event-type", Self.string("last")),
            ], payload: "{}")
        #expect(try Self.decode([frame]).map { String(buffer: $0.name) } == ["last"])
    }

    @Test(
        "what is no header is refused",
        arguments: [[("x", [10])], [("x", [7, 0, 9, 1])], [("", [0])], [("x", [4, 0])]] as [[(String, [UInt8])]])
    func badHeaders(_ headers: [(String, [UInt8])]) {
        #expect(throws: NeedletailError.self) { try Self.decode([Self.frame(headers)]) }
    }

    @Test("an error tells its code and message, whatever else its frame holds")
    func error() throws {
        let frame = Self.frame(
            [
                (":event-type", Self.string("chunk")), (":message-type", Self.string("error")),
                (":error-code", Self.string("ValidationException")),
                (":error-message", Self.string("It is \"wrong\".")),
            ], payload: "rest")
        let event = try #require(try Self.decode([frame]).first)
        #expect(String(buffer: event.name) == "exception:ValidationException")
        #expect(String(buffer: event.data) == #"{"message":"It is \"wrong\"."}"#)
    }

    // MARK: Vectors of the SDKs

    private static func vectors(_ kind: String) -> [String] {
        let folder = "\(OpenAIChatRecordings.root)/aws-eventstream/\(kind)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map { "\(folder)/\($0)" }
    }

    private static func bytes(_ folder: String) throws -> ByteBuffer {
        let text = try String(contentsOfFile: folder + "/stream.eventstream.b64", encoding: .utf8)
        return ByteBuffer(bytes: try #require(Data(base64Encoded: text, options: .ignoreUnknownCharacters)))
    }

    @Test("sound vectors are read", .enabled(if: OpenAIChatRecordings.areThere))
    func positive() throws {
        #expect(Self.vectors("positive").count > 4)
        for folder in Self.vectors("positive") {
            let data = try #require(FileManager.default.contents(atPath: folder + "/expected.json"))
            let expected = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let events = try Self.decode(try Self.bytes(folder).split(every: 1))
            let event = try #require(events.first)
            #expect(events.count == 1)
            let headers = try #require(expected["headers"] as? [String: Any])
            guard headers[":message-type"] == nil else {
                #expect(String(buffer: event.name) == "exception:code")
                #expect(String(buffer: event.data) == #"{"message":"message"}"#)
                continue
            }
            #expect(String(buffer: event.data) == expected["payload"] as? String, "\(folder)")
        }
    }

    @Test("broken vectors are rejected", .enabled(if: OpenAIChatRecordings.areThere))
    func negative() throws {
        #expect(Self.vectors("negative").count > 2)
        for folder in Self.vectors("negative") {
            let bytes = try Self.bytes(folder)
            #expect(throws: NeedletailError.self, "\(folder)") { try Self.decode([bytes]) }
        }
    }
}
