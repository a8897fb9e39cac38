import NIOCore
import NeedletailCore
import Testing

@Suite("SSE decoder")
struct SSEDecoderTests {
    struct Plain: Hashable, CustomStringConvertible {
        var name: String
        var data: String
        var description: String { "(\(self.name)|\(self.data))" }
    }

    private static func plain(_ event: SSEEvent) -> Plain {
        Plain(name: String(buffer: event.name), data: String(buffer: event.data))
    }

    /// Decodes chunks, draining the decoder after each.
    private static func decode(_ chunks: [[UInt8]], limit: Int = 1 << 20) throws -> [SSEEvent] {
        var decoder = SSEDecoder(maximumEventSize: limit)
        var events: [SSEEvent] = []
        for chunk in chunks {
            decoder.feed(ByteBuffer(bytes: chunk))
            while let event = try decoder.next() { events.append(event) }
        }
        while let event = try decoder.finish() { events.append(event) }
        #expect(decoder.pendingBytes == 0 && decoder.boundary == chunks.reduce(0) { $0 + $1.count })
        return events
    }

    private static func decode(_ text: String) throws -> [Plain] {
        try Self.decode([Array(text.utf8)]).map(Self.plain)
    }

    @Test(
        "reads events as the standard has it",
        arguments: [
            ("data: a\n\n", [Plain(name: "", data: "a")]),
            ("data:a\n\ndata:  b\n\n", [Plain(name: "", data: "a"), Plain(name: "", data: " b")]),
            ("event: x\ndata: a\n\n", [Plain(name: "x", data: "a")]),
            ("data: a\nevent:x\n\ndata: b\n\n", [Plain(name: "x", data: "a"), Plain(name: "", data: "b")]),
            ("data: a\ndata: b\ndata\ndata:\n\n", [Plain(name: "", data: "a\nb\n\n")]),
            ("data\n\n", [Plain(name: "", data: "")]),
            (": comment\n\n:\ndata: a\n\n", [Plain(name: "", data: "a")]),
            ("id: 7\nretry: 5\nunknown\ndatax: n\ndat: n\ndata: a\n\n", [Plain(name: "", data: "a")]),
            ("event: lost\n\ndata: a\n\n", [Plain(name: "", data: "a")]),
            ("\n\n\r\n\rdata: a\n\n\n", [Plain(name: "", data: "a")]),
            ("data: a\r\rdata: b\r\n\r\n", [Plain(name: "", data: "a"), Plain(name: "", data: "b")]),
            ("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", [Plain(name: "", data: "a")]),
            ("data: a\n\ndata: b", [Plain(name: "", data: "a"), Plain(name: "", data: "b")]),
            ("event: e\ndata: b\n", [Plain(name: "e", data: "b")]),
            ("event: e", []), ("", []), (": only", []), ("\u{FEFF}", []),
            ("event: a\nevent: b\ndata: x: y\n\n", [Plain(name: "b", data: "x: y")]),
        ]
    )
    func standard(_ text: String, _ expected: [Plain]) throws {
        #expect(try Self.decode(text) == expected)
        let units = Array(text.utf8)
        #expect(try Self.decode(units.map { [$0] }).map(Self.plain) == expected)
        for split in 0...units.count {
            #expect(try Self.decode([Array(units[..<split]), Array(units[split...])]).map(Self.plain) == expected)
        }
    }

    @Test("ends events exactly after their blank line, in every style of line end", arguments: ["\n", "\r", "\r\n"])
    func offsets(_ end: String) throws {
        let first = "event: e\(end)data: 1\(end)\(end)"
        let second = ": comment\(end)\(end)data: two\(end)data: 2\(end)\(end)"
        let text = first + second + "data: cut"
        let units = Array(text.utf8)
        let ends = [first.utf8.count, (first + second).utf8.count, units.count]
        #expect(try Self.decode([units]).map(\.endOffset) == ends)
        for split in 0...units.count {
            let found = try Self.decode([Array(units[..<split]), Array(units[split...])]).map(\.endOffset)
            // A CRLF that was split after its CR: the event was complete without the LF.
            let expected = ends.map { end == "\r\n" && $0 != units.count && split == $0 - 1 ? $0 - 1 : $0 }
            #expect(found == expected, "split at \(split)")
        }
    }

    @Test("relayed up to its boundary a stream stays whole, and each part ends after a blank line")
    func boundary() throws {
        let text = "data: 1\r\n\r\n: ping\r\n\r\nevent: e\r\ndata: 2\r\n\r\ndata: cut"
        let units = Array(text.utf8)
        var decoder = SSEDecoder()
        var last = 0
        for (index, unit) in units.enumerated() {
            decoder.feed(ByteBuffer(bytes: [unit]))
            while let event = try decoder.next() { #expect(event.endOffset == decoder.boundary) }
            #expect(decoder.boundary >= last && decoder.boundary <= index + 1)
            #expect(decoder.pendingBytes == index + 1 - decoder.boundary)
            if decoder.boundary > last {
                let part = String(decoding: units[..<decoder.boundary], as: UTF8.self)
                #expect(part.hasSuffix("\r\n\r") || part.hasSuffix("\r\n\r\n"))
            }
            last = decoder.boundary
        }
        #expect(decoder.boundary == units.count - 9 && decoder.isInsideEvent)
    }

    @Test("knows whether an event is open")
    func insideEvent() throws {
        var decoder = SSEDecoder()
        #expect(!decoder.isInsideEvent)
        for (chunk, isInside) in [
            ("data: a", true), ("\n", true), ("\n", false), (": c\n", false), ("\r\n", false), ("d", true),
            ("ata:b\r\n\r", false), ("\n", false), ("event: x\n", true), ("\n", false),
        ] {
            decoder.feed(ByteBuffer(string: chunk))
            while try decoder.next() != nil {}
            #expect(decoder.isInsideEvent == isInside, "\(chunk)")
        }
        #expect(decoder.pendingBytes == 0)
    }

    @Test("refuses an event that is too large, wherever it was split", arguments: [1, 2, 7, 1000])
    func limit(_ size: Int) throws {
        for (text, isAllowed) in [
            ("data: 123456\n\n", true), ("data: 12345678901234\n\n", true), ("data: 123456789012345\n\n", false),
            ("data: 123456789\ndata: 12345\n\n", false), (": comments are no part of it\n\n", false),
            (": 34567\n: 34567\n: 34567\ndata: 123456\n\n", true), ("data: 1\n\ndata: 12345678\n\n", true),
            ("event: 12345\ndata: 123456\n\n", false), ("data: 1234567890123456", false),
        ] {
            let units = Array(text.utf8)
            let chunks = stride(from: 0, to: units.count, by: size).map {
                Array(units[$0..<min($0 + size, units.count)])
            }
            if isAllowed {
                #expect(throws: Never.self, "\(text)") { try Self.decode(chunks, limit: 20) }
            } else {
                let error = #expect(throws: NeedletailError.self, "\(text)") { try Self.decode(chunks, limit: 20) }
                #expect(error?.code == .malformedReply)
                #expect(error?.message == "The provider sent an event larger than 20 bytes.")
            }
        }
    }

    @Test("stays failed once an event was too large")
    func failed() throws {
        var decoder = SSEDecoder(maximumEventSize: 10)
        decoder.feed(ByteBuffer(string: "data: 123456789\n\n"))
        #expect(throws: NeedletailError.self) { try decoder.next() }
        decoder.feed(ByteBuffer(string: "data: 1\n\n"))
        #expect(throws: NeedletailError.self) { try decoder.next() }
    }

    @Test("needs not be drained between chunks")
    func undrained() throws {
        var decoder = SSEDecoder()
        let units = Array("data: a\n\ndata: bc\r\n\r\n".utf8)
        for unit in units { decoder.feed(ByteBuffer(bytes: [unit])) }
        #expect(try decoder.next().map(Self.plain) == Plain(name: "", data: "a"))
        decoder.feed(ByteBuffer(string: "data: d\n\n"))
        #expect(try decoder.next().map(Self.plain) == Plain(name: "", data: "bc"))
        let last = try decoder.next()
        #expect(last.map(Self.plain) == Plain(name: "", data: "d"))
        #expect(last?.endOffset == units.count + 9)
        #expect(try decoder.next() == nil)
    }

    @Test("leaves what it was fed as it was, and events stay what they were")
    func sharing() throws {
        var decoder = SSEDecoder()
        let chunk = ByteBuffer(string: "data: one\ndata: two\n\ndata: thr")
        decoder.feed(chunk)
        let first = try decoder.next()
        #expect(try decoder.next() == nil)
        decoder.feed(ByteBuffer(string: "ee\n\n"))
        let second = try decoder.next()
        #expect(first.map(Self.plain) == Plain(name: "", data: "one\ntwo"))
        #expect(second.map(Self.plain) == Plain(name: "", data: "three"))
        #expect(String(buffer: chunk) == "data: one\ndata: two\n\ndata: thr")
    }

    @Test("reads a random stream the same however it is split", arguments: UInt64(0)..<60)
    func splits(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "data: x", "data:", "event: e", "\n", "\n", "\r", "\r\n", "\r\n", ": c", "é", "id:1", "\u{FEFF}",
            "data: long line of text",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0..<60, using: &generator) { text += pieces.randomElement(using: &generator) ?? "" }
        let units = Array(text.utf8)
        let whole = try Self.decode([units]).map(Self.plain)
        for _ in 0..<20 {
            var chunks: [[UInt8]] = []
            var rest = units[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(9, rest.count), using: &generator)
                chunks.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(try Self.decode(chunks).map(Self.plain) == whole, "seed \(seed)")
        }
    }

    @Test("takes much byte by byte, in one line and in many, in linear time")
    func linear() throws {
        for text in [
            "data: " + String(repeating: "x", count: 200_000) + "\n\n",
            String(repeating: "data: y\n", count: 20_000) + "\n",
            String(repeating: "data: z\r\n\r\n", count: 15_000),
        ] {
            var decoder = SSEDecoder()
            var bytes = ByteBuffer(string: text)
            var count = 0
            while let byte = bytes.readSlice(length: 1) {
                decoder.feed(byte)
                while let event = try decoder.next() { count += event.data.readableBytes }
            }
            #expect(count >= 15_000)
        }
    }
}

@Suite("SSE encoder")
struct SSEEncoderTests {
    private static func encode(_ data: String, name: StaticString? = nil) -> String {
        var out = ByteBuffer(string: "before\n\n")
        SSEEncoder.write(name: name, data: ByteBuffer(string: data), into: &out)
        return String(String(buffer: out).dropFirst(8))
    }

    @Test("writes one line of data per line")
    func lines() {
        #expect(Self.encode("{}") == "data: {}\n\n")
        #expect(Self.encode("{}", name: "ping") == "event: ping\ndata: {}\n\n")
        #expect(Self.encode("") == "data: \n\n")
        #expect(Self.encode("a\nb\rc\r\nd\n") == "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n")
        #expect(Self.encode("\r\n\n") == "data: \ndata: \ndata: \n\n")
    }

    @Test(
        "writes what the decoder reads", arguments: ["", "a", " a", "a\nb", "\n", ": x", "data: y", "\n\n\n", "é\n🪡"])
    func roundTrip(_ data: String) throws {
        var out = ByteBuffer()
        SSEEncoder.writeComment(" warm", into: &out)
        SSEEncoder.write(name: "n", data: ByteBuffer(string: data), into: &out)
        SSEEncoder.writeComment(into: &out)
        var decoder = SSEDecoder()
        decoder.feed(out)
        let event = try #require(try decoder.next())
        #expect(String(buffer: event.data) == data && String(buffer: event.name) == "n")
        #expect(try decoder.next() == nil && decoder.pendingBytes == 0)
    }
}
