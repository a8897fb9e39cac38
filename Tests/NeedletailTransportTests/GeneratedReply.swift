import NIOCore

/// A small generator for tests (SplitMix64, Steele et al. 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A response that is near enough to HTTP to reach deep into a parser: good parts, odd parts, then a few mutated bytes.
struct GeneratedReply {
    let bytes: ByteBuffer
    private static let lines = [
        "content-length: 5", "content-length: 0", "Content-Length: 05", "content-length: 5 ", "content-length: +5",
        "content-length: 5, 5", "transfer-encoding: chunked", "Transfer-Encoding: Chunked",
        "transfer-encoding: identity",
        "transfer-encoding: chunked, chunked", "transfer-encoding:\tchunked", "transfer-encoding : chunked",
        "connection: close", "connection: keep-alive", "x: y", "x:", ": y", "x", " folded", "x: \u{e9}",
        "content-type: text/event-stream", "set-cookie: a=b", "upgrade: h2c", "connection: upgrade",
    ]
    private static let starts = [
        "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 204 No Content",
        "HTTP/1.1 304 Not Modified", "HTTP/1.1 500 Oh", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.1 100 Continue",
        "HTTP/1.2 200 OK", "HTTP/1.1  200 OK", "http/1.1 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
    ]
    private static let bodies = [
        "hello", "", "5\r\nhello\r\n0\r\n\r\n", "5;x=y\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nx: y\r\n\r\n",
        "05\r\nhello\r\n00\r\n\r\n", "5\r\nhello\r\n", "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "A\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n",
    ]

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var text = Self.starts.randomElement(using: &random) ?? ""
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            text += "\r\n" + (Self.lines.randomElement(using: &random) ?? "")
        }
        text += "\r\n\r\n" + (Self.bodies.randomElement(using: &random) ?? "")
        var bytes = Array(text.utf8)
        if Bool.random(using: &random) {
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 2:
                    bytes.insert([0x0A, 0x0D, 0x20, 0x00, 0x3A, 0x09].randomElement(using: &random) ?? 0, at: index)
                default: bytes.insert(bytes[index], at: index)
                }
            }
        }
        self.bytes = ByteBuffer(bytes: bytes)
    }
}
