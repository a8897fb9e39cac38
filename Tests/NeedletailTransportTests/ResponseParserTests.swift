import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import NeedletailTransport

@Suite("ResponseParser")
struct ResponseParserTests {
    /// What a parser made of bytes and the end of the connection behind them.
    struct Reading: Equatable {
        var status = 0
        var headers: [String] = []
        var body = ByteBuffer()
        var isWhole = false
        var isRefused = false
    }

    @Test("Every split of a reply reads the same")
    func splits() throws {
        let replies = [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx: y\r\n\r\nhello",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a\r\nhel\r\n2\r\nlo\r\n0\r\na: b\r\n\r\n",
        ]
        for reply in replies {
            let bytes = ByteBuffer(string: reply)
            let whole = Self.ours([bytes])
            #expect(whole.isWhole && whole.body == ByteBuffer(string: "hello"))
            for first in 0...bytes.readableBytes {
                let head = try #require(bytes.getSlice(at: 0, length: first))
                let tail = try #require(bytes.getSlice(at: first, length: bytes.readableBytes - first))
                #expect(Self.ours([head, tail]) == whole, "split at \(first)")
            }
            let single = (0..<bytes.readableBytes).compactMap { bytes.getSlice(at: $0, length: 1) }
            #expect(Self.ours(single) == whole)
        }
    }

    @Test("Names are read anew where the next reply says others, or the same in other letters")
    func namesOfReplies() throws {
        var parser = ResponseParser(maximumHeaderBytes: 16_384)
        let many = (0..<100).map { "x-\($0): \($0)\r\n" }.joined()
        for (fields, expected) in [
            ("A: 1\r\nBb: 2\r\n", ["A: 1", "Bb: 2"]), ("A: 3\r\nBb: 4\r\n", ["A: 3", "Bb: 4"]),
            ("a: 5\r\nCc: 6\r\n", ["a: 5", "Cc: 6"]), ("Bb: 7\r\n", ["Bb: 7"]),
            (many, (0..<100).map { "x-\($0): \($0)" }), ("x-0: 0\r\nA: 8\r\n", ["x-0: 0", "A: 8"]),
        ] {
            parser.expectResponse(toHead: false)
            var bytes = ByteBuffer(string: "HTTP/1.1 200 OK\r\n\(fields)content-length: 0\r\n\r\n")
            var body: ByteBuffer?
            try parser.read(&bytes, into: &body)
            let taken = parser.takeHead()
            let head = try #require(taken)
            #expect(parser.isComplete)
            #expect(head.headers.map { "\($0.name.rawName): \($0.value)" } == expected + ["content-length: 0"])
        }
    }

    @Test("What we accept llhttp accepts and reads alike", arguments: 0..<20 as Range<UInt64>)
    func differential(block: UInt64) throws {
        for seed in (block * 1_000)..<(block * 1_000 + 1_000) {
            let bytes = GeneratedReply(seed: seed).bytes
            let ours = Self.ours([bytes])
            guard !ours.isRefused, ours.status != 0 else { continue }
            let theirs = try Self.llhttp(bytes)
            #expect(ours == theirs, "seed \(seed): \(String(buffer: bytes).debugDescription)")
        }
    }

    @Test("The generator reaches both outcomes often")
    func generator() {
        let readings = (0..<2_000 as Range<UInt64>).map { Self.ours([GeneratedReply(seed: $0).bytes]) }
        #expect(readings.count { $0.isWhole } > 200)
        #expect(readings.count { $0.isRefused } > 200)
    }

    private static func ours(_ parts: [ByteBuffer]) -> Reading {
        var parser = ResponseParser(maximumHeaderBytes: 1 << 16)
        parser.expectResponse(toHead: false)
        var reading = Reading()
        do {
            for part in parts {
                var part = part
                var body: ByteBuffer?
                defer { if var body { reading.body.writeBuffer(&body) } }
                try parser.read(&part, into: &body)
                if let head = parser.takeHead() {
                    reading.status = head.status
                    reading.headers = head.headers.map { "\($0.name.canonicalName): \($0.value)" }
                }
            }
            reading.isWhole = parser.isComplete || parser.endsWithConnection
        } catch {
            reading.isRefused = true
        }
        return reading
    }

    private static func llhttp(_ bytes: ByteBuffer) throws -> Reading {
        let channel = EmbeddedChannel()
        let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes))
        try channel.pipeline.syncOperations.addHandlers([HTTPRequestEncoder(), decoder])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeOutbound(HTTPClientRequestPart.head(.init(version: .http1_1, method: .GET, uri: "/")))
        try channel.writeOutbound(HTTPClientRequestPart.end(nil))
        var reading = Reading()
        do {
            try channel.writeInbound(bytes)
            // What follows a whole reply is refused by the connection, not by the parser.
            try channel.close().wait()
            try channel.throwIfErrorCaught()
        } catch {
            reading.isRefused = !(error is ChannelError)
        }
        var ends = 0
        while ends == 0, let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head):
                reading.status = Int(head.status.code)
                // llhttp leaves white space behind a value, which is no part of it (RFC 9110, 5.5).
                reading.headers = head.headers.map { name, value in
                    let end = value.lastIndex { $0 != " " && $0 != "\t" }.map(value.index(after:))
                    return "\(name.lowercased()): \(value[..<(end ?? value.startIndex)])"
                }
            case .body(var body): reading.body.writeBuffer(&body)
            case .end: ends += 1
            }
        }
        reading.isWhole = ends > 0
        if reading.isWhole { reading.isRefused = false }
        // Ending early is the connection's error, not the parser's.
        if !reading.isWhole, reading.status != 0 { reading.isRefused = false }
        return reading
    }
}
