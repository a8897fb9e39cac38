import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import NeedletailGateway

@Suite("RequestParser")
struct RequestParserTests {
    /// Counts the reads that are asked of the socket.
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var count = 0
        func read(context: ChannelHandlerContext) { self.count += 1 }
    }

    /// A request as a parser read it.
    struct Message: Equatable {
        var start: String
        var headers: [String]
        var body = ByteBuffer()
        var isWhole = false
        /// Nothing behind it is a request.
        var isLast = false
    }

    /// What a parser made of bytes.
    struct Reading: Equatable {
        var messages: [Message] = []
        var refusal: Int?
    }

    @Test("every split of requests reads the same")
    func splits() throws {
        let requests = [
            "POST /a HTTP/1.1\r\nhost: x\r\nX: y \r\ncontent-length: 5\r\n\r\nhelloGET /b?c=d HTTP/1.0\r\n\r\n",
            "\r\nPOST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3;a\r\nhel\r\n2\r\nlo\r\n0\r\na: b\r\n\r\n"
                + "\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        ]
        for request in requests {
            let bytes = ByteBuffer(string: request)
            let whole = Self.ours([bytes])
            #expect(whole.messages.map(\.isWhole) == [true, true] && whole.refusal == nil)
            #expect(whole.messages.first?.body == ByteBuffer(string: "hello"))
            for first in 0...bytes.readableBytes {
                let head = try #require(bytes.getSlice(at: 0, length: first))
                let tail = try #require(bytes.getSlice(at: first, length: bytes.readableBytes - first))
                #expect(Self.ours([head, tail]) == whole, "split at \(first)")
            }
            let single = (0..<bytes.readableBytes).compactMap { bytes.getSlice(at: $0, length: 1) }
            #expect(Self.ours(single) == whole)
        }
    }

    @Test("names are read anew where the next request says others, or the same in other letters")
    func names() throws {
        let many = (0..<100).map { "x-\($0): \($0)" }
        let heads = [["A: 1", "Bb: 2"], ["A: 3", "Bb: 4"], ["a: 5", "Cc: 6"], ["Bb: 7"], many, ["x-0: 0", "A: 8"]]
        let text = heads.map {
            "GET / HTTP/1.0\r\nconnection: keep-alive\r\n" + $0.joined(separator: "\r\n") + "\r\n\r\n"
        }.joined()
        #expect(
            Self.ours([ByteBuffer(string: text)], keepsCase: true).messages.map { Array($0.headers.dropFirst()) }
                == heads)
    }

    @Test("what we accept llhttp accepts and reads alike", arguments: 0..<20 as Range<UInt64>)
    func differential(block: UInt64) throws {
        for seed in (block * 1_000)..<(block * 1_000 + 1_000) {
            let bytes = GeneratedRequest(seed: seed).bytes
            let ours = Self.ours([bytes])
            guard !ours.messages.isEmpty else { continue }
            let theirs = try Self.llhttp(bytes)
            for (index, message) in ours.messages.enumerated() {
                var other = index < theirs.count ? theirs[index] : nil
                // How much of a body came before its fault is of no use to anybody, nor is what follows CONNECT.
                let isCut = ours.refusal != nil && !message.isWhole
                if isCut || message.start.hasPrefix("CONNECT") {
                    other?.body = message.body
                    other?.isWhole = message.isWhole
                }
                other?.isLast = message.isLast
                #expect(message == other, "seed \(seed): \(String(buffer: bytes).debugDescription)")
            }
        }
    }

    @Test("the generator reaches both outcomes often")
    func generator() {
        let readings = (0..<2_000 as Range<UInt64>).map { Self.ours([GeneratedRequest(seed: $0).bytes]) }
        #expect(readings.count { $0.messages.last?.isWhole == true } > 200)
        #expect(readings.count { $0.refusal == 400 } > 200)
    }

    @Test("a head that comes byte by byte is refused at its limit, not kept", arguments: ["a", "a: b\r\n"])
    func endless(_ piece: String) throws {
        var limits = EdgeLimits()
        limits.headerBytes = 4_000
        limits.headerFieldBytes = 1_000
        var parser = RequestParser()
        var names = HeaderNames()
        var bytes = ByteBuffer(string: "GET / HTTP/1.1\r\n")
        _ = try parser.next(&bytes, limits: limits, names: &names)
        var sent = 0
        var refusal: RequestParser.Fault?
        while refusal == nil, sent < 100_000 {
            bytes.writeString(piece)
            sent += piece.utf8.count
            do throws(RequestParser.Fault) {
                _ = try parser.next(&bytes, limits: limits, names: &names)
            } catch {
                refusal = error
            }
        }
        #expect(refusal?.status == 431 && sent < 6_000)
        bytes.writeString("\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(try parser.next(&bytes, limits: limits, names: &names) == nil && bytes.readableBytes == 0)
    }

    @Test("empty lines before a request are passed over, but not without end", arguments: [8, 9, 131_072])
    func emptyLines(_ count: Int) {
        let text = String(repeating: "\r\n", count: count) + "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        let reading = Self.ours([ByteBuffer(string: text)])
        #expect(reading.refusal == (count > 8 ? 400 : nil) && reading.messages.count == (count > 8 ? 0 : 1))
    }

    @Test("a head is too large in one piece where it is in several", arguments: [0, 100, 15_000, 20_000, 70_000])
    func sizes(_ spaces: Int) {
        for fields in [
            "x: \(String(repeating: " ", count: spaces))y\r\n",
            String(repeating: "x: \(String(repeating: " ", count: spaces / 20))y\r\n", count: 20),
        ] {
            let bytes = ByteBuffer(string: "GET / HTTP/1.1\r\nhost: x\r\n\(fields)\r\n")
            let whole = Self.ours([bytes])
            let single = (0..<bytes.readableBytes).compactMap { bytes.getSlice(at: $0, length: 1) }
            #expect(Self.ours(single) == whole)
            #expect(whole.refusal == (whole.messages.isEmpty ? 431 : nil))
        }
    }

    @Test("nothing more is read while a request waits behind one that is being answered")
    func held() throws {
        let reads = Reads()
        let channel = EmbeddedChannel(handler: reads)
        let handler = ScriptedHandler(
            refuse: { $0.uri == "/no" ? EdgeResponse(status: 404) : nil }, answer: { _, _ in })
        let shared = EdgeLoop(
            channel.eventLoop, handler: handler, configuration: EdgeConfiguration(port: 0),
            census: EdgeCensus(limit: 10), time: ManualTime().source)
        try channel.pipeline.syncOperations.addHandler(EdgeConnection(shared, isHTTP2: false))
        let (no, yes) = ("GET /no HTTP/1.1\r\nhost: x\r\n\r\n", "GET /yes HTTP/1.1\r\nhost: x\r\n\r\n")
        channel.isWritable = false
        try channel.writeInbound(ByteBuffer(string: no + yes + no + yes))
        channel.pipeline.read()
        let before = reads.count
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        // The second one is with its task, and two wait.
        #expect(reads.count == before)
        channel.pipeline.read()
        #expect(reads.count == before)
        _ = try? channel.finish()
    }

    @Test("further requests wait while the client does not take the answers to those before")
    func unread() throws {
        let reads = Reads()
        let channel = EmbeddedChannel(handler: reads)
        let handler = ScriptedHandler(refuse: { _ in EdgeResponse(status: 404) })
        let shared = EdgeLoop(
            channel.eventLoop, handler: handler, configuration: EdgeConfiguration(port: 0),
            census: EdgeCensus(limit: 10), time: ManualTime().source)
        try channel.pipeline.syncOperations.addHandler(EdgeConnection(shared, isHTTP2: false))
        let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        func answers() throws -> Int {
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text.split(separator: "HTTP/1.1 404").count
        }
        try channel.writeInbound(ByteBuffer(string: request))
        #expect(try answers() == 1)
        channel.isWritable = false
        try channel.writeInbound(ByteBuffer(string: request + request))
        try channel.writeInbound(ByteBuffer(string: request + String(request.prefix(10))))
        #expect(try answers() == 0)
        let before = reads.count
        channel.pipeline.read()
        #expect(reads.count == before)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(try answers() == 3 && reads.count == before + 1)
        try channel.writeInbound(ByteBuffer(string: String(request.dropFirst(10))))
        #expect(try answers() == 1)
        _ = try? channel.finish()
    }

    private static func ours(_ parts: [ByteBuffer], keepsCase: Bool = false) -> Reading {
        var parser = RequestParser()
        var names = HeaderNames()
        var reading = Reading()
        var bytes = ByteBuffer()
        for part in parts {
            bytes.writeImmutableBuffer(part)
            do throws(RequestParser.Fault) {
                while let part = try parser.next(&bytes, limits: EdgeLimits(), names: &names) {
                    switch part {
                    case .head(let head, let facts):
                        if facts.fault(in: head) != nil {
                            reading.refusal = 400
                            return reading
                        }
                        reading.messages.append(Self.message(head, keepsCase: keepsCase))
                        let isLast = facts.isUpgrade || !facts.keepsAlive(head.version)
                        reading.messages[reading.messages.count - 1].isLast = isLast
                    case .body(let body): reading.messages[reading.messages.count - 1].body.writeImmutableBuffer(body)
                    case .end:
                        reading.messages[reading.messages.count - 1].isWhole = true
                        if reading.messages.last?.isLast == true { return reading }
                    }
                }
            } catch {
                reading.refusal = error.status
                return reading
            }
        }
        return reading
    }

    private static func message(_ head: HTTPRequestHead, keepsCase: Bool) -> Message {
        let headers = head.headers.map { name, value in
            // llhttp leaves white space behind a value, which is no part of it (RFC 9110, section 5.5).
            let end = value.lastIndex { $0 != " " && $0 != "\t" }.map(value.index(after:))
            return "\(keepsCase ? name : name.lowercased()): \(value[..<(end ?? value.startIndex)])"
        }
        return Message(start: "\(head.method) \(head.uri) \(head.version)", headers: headers)
    }

    private static func llhttp(_ bytes: ByteBuffer) throws -> [Message] {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        _ = try? channel.writeInbound(bytes)
        var messages: [Message] = []
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): messages.append(Self.message(head, keepsCase: false))
            case .body(let body): messages[messages.count - 1].body.writeImmutableBuffer(body)
            case .end: messages[messages.count - 1].isWhole = true
            }
        }
        _ = try? channel.finish()
        return messages
    }
}
