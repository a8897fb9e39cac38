import NIOCore

@testable import NeedletailGateway

/// A request that is near enough to HTTP to reach deep into a parser: good parts, odd parts, then a few mutated bytes.
struct GeneratedRequest {
    let bytes: ByteBuffer

    private static let starts = [
        "POST / HTTP/1.1", "POST /v1/x?y=z HTTP/1.1", "GET / HTTP/1.1", "GET / HTTP/1.0", "PUT /a HTTP/1.1",
        "OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1", "HEAD / HTTP/1.1", "get / HTTP/1.1", "FOO / HTTP/1.1",
        "POST  / HTTP/1.1", "POST / HTTP/1.1 ", "POST / HTTP/1.2", "POST /", "POST /\u{e9} HTTP/1.1",
        "POST /a b HTTP/1.1",
        "\r\nPOST / HTTP/1.1", "\r\n\r\nGET / HTTP/1.1", " GET / HTTP/1.1", "GET http://a/b HTTP/1.1",
    ]
    private static let lines = [
        "host: x", "Host: y", "content-length: 5", "content-length: 0", "Content-Length: 05", "content-length: 5 ",
        "content-length: +5", "content-length: 5, 5", "transfer-encoding: chunked", "Transfer-Encoding: Chunked",
        "transfer-encoding: identity", "transfer-encoding: chunked, chunked", "transfer-encoding:\tchunked",
        "transfer-encoding : chunked", "connection: close", "connection: keep-alive", "connection: Keep-Alive, x",
        "x: y", "x:", "x:  y\t ", ": y", "x", " folded", "x: \u{e9}", "expect: 100-continue", "upgrade: h2c",
        "connection: upgrade",
    ]
    private static let bodies = [
        "hello", "", "5\r\nhello\r\n0\r\n\r\n", "5;x=y\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nx: y\r\n\r\n",
        "05\r\nhello\r\n00\r\n\r\n", "5\r\nhello\r\n", "5 \r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nGET /next HTTP/1.1\r\nhost: x\r\n\r\n",
        "helloGET /next HTTP/1.1\r\nhost: x\r\n\r\n",
    ]

    init(seed: UInt64) {
        var random = MockRandom(seed: seed)
        func pick<Choice>(_ choices: [Choice]) -> Choice { choices[random.below(choices.count)] }
        var text = pick(Self.starts) + (random.below(8) > 0 ? "\r\nhost: x" : "")
        for _ in 0..<random.below(4) { text += "\r\n" + pick(Self.lines) }
        text += "\r\n\r\n" + pick(Self.bodies)
        var bytes = Array(text.utf8)
        if random.below(2) == 0 {
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let index = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes.remove(at: index)
                case 1: bytes[index] = UInt8(random.below(256))
                case 2: bytes.insert(pick([0x0A, 0x0D, 0x20, 0x00, 0x3A, 0x09]), at: index)
                default: bytes.insert(bytes[index], at: index)
                }
            }
        }
        self.bytes = ByteBuffer(bytes: bytes)
    }
}
