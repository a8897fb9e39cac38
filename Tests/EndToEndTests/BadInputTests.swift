import NIOCore
import NeedletailGateway
import Testing

/// A request that is wrong, on either surface.
struct BadRequest: Sendable, CustomTestStringConvertible {
    var name: String
    var status: Int
    /// A part of the message.
    var says: String = ""
    /// Whether the connection can be used after it.
    var keepsConnection = true
    /// Whether its head cannot be read, so that nobody knows the dialect: the answer has OpenAI's shape.
    var isUnreadable = false
    /// Makes the bytes of the request.
    var bytes: @Sendable (Surface) -> ByteBuffer

    var testDescription: String { self.name }

    /// A request with this body.
    private static func body(
        _ name: String, _ status: Int, says: String = "", _ body: @escaping @Sendable (Surface) -> String
    ) -> BadRequest {
        BadRequest(name: name, status: status, says: says) { surface in
            var bytes = Self.head(surface, ["content-length: \(body(surface).utf8.count)"])
            bytes.writeString(body(surface))
            return bytes
        }
    }

    /// A head without the length.
    static func head(
        _ surface: Surface, _ headers: [String], key: String = "authorization: Bearer sk-good"
    ) -> ByteBuffer {
        var text = "POST \(surface.path) HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        for header in headers + (key.isEmpty ? [] : [key]) { text += header + "\r\n" }
        return ByteBuffer(string: text + "\r\n")
    }

    private static let message = #""messages":[{"role":"user","content":"hi"}]"#

    static let all: [BadRequest] =
        Self.bodies + [
            BadRequest(name: "invalid UTF-8", status: 400) { surface in
                var bytes = Self.head(surface, ["content-length: 66"])
                var body = ByteBuffer(string: #"{"model":"one/m","messages":[{"role":"user","content":""#)
                body.writeBytes([0xFF, 0xC3, 0x28])
                body.writeString(String(repeating: " ", count: 66 - body.readableBytes - 4) + #""}]}"#)
                bytes.writeBuffer(&body)
                return bytes
            },
            BadRequest(name: "a body that says that it is too large", status: 413, keepsConnection: false) { surface in
                Self.head(surface, ["content-length: 400000"])
            },
            BadRequest(name: "a body that turns out too large", status: 413, keepsConnection: false) { surface in
                var bytes = Self.head(surface, ["transfer-encoding: chunked"])
                for _ in 0..<5 { bytes.writeString("10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n") }
                return bytes
            },
            BadRequest(name: "no key", status: 401, says: "API key") { surface in
                Self.whole(surface, key: "")
            },
            BadRequest(name: "a bad key", status: 401, says: "not valid") { surface in
                Self.whole(surface, key: "x-api-key: sk-wrong")
            },
            BadRequest(name: "a model that the key may not use", status: 403) { surface in
                Self.whole(surface, key: "x-api-key: sk-narrow")
            },
            BadRequest(name: "a header bomb", status: 431, keepsConnection: false, isUnreadable: true) { surface in
                Self.head(surface, (0..<300).map { "x-header-\($0): value" } + ["content-length: 0"])
            },
            BadRequest(name: "a header that is too long", status: 431, keepsConnection: false, isUnreadable: true) {
                surface in
                Self.head(surface, ["x-long: " + String(repeating: "a", count: 100_000), "content-length: 0"])
            },
            BadRequest(name: "a NUL in a header", status: 400, keepsConnection: false) { surface in
                Self.head(surface, ["x-odd: a\u{0}b", "content-length: 0"])
            },
            BadRequest(name: "a content-length that is no number", status: 400, keepsConnection: false) { surface in
                Self.head(surface, ["content-length: 99999999999999999999999999"])
            },
        ]

    private static let bodies: [BadRequest] = [
        Self.body("no body", 400) { _ in "" },
        Self.body("malformed JSON", 400) { _ in #"{"model":"# },
        Self.body("no object", 400) { _ in "[]" },
        Self.body("two objects", 400) { $0.request("one/m") + "{}" },
        Self.body("a model of the wrong type", 400, says: "model") { _ in
            #"{"model":5,"max_tokens":5,\#(Self.message)}"#
        },
        Self.body("messages of the wrong type", 400, says: "messages") { _ in
            #"{"model":"one/m","max_tokens":5,"messages":"hi"}"#
        },
        Self.body("a role of the wrong type", 400) { _ in
            #"{"model":"one/m","max_tokens":5,"messages":[{"role":7,"content":"hi"}]}"#
        },
        Self.body("no model", 400, says: "model") { _ in #"{"max_tokens":5,\#(Self.message)}"# },
        Self.body("no messages", 400, says: "messages") { _ in #"{"model":"one/m","max_tokens":5}"# },
        Self.body("an unknown model", 404, says: "claude-sonnet-5") { $0.request("claude-sonet-5") },
        Self.body("an unknown provider", 404) { $0.request("nobody/m") },
        Self.body("an empty model", 400) { $0.request("") },
        Self.body("a stream flag of the wrong type", 400) { $0.request("one/m", stream: false, #","stream":"yes""#) },
        Self.body("a negative max_tokens", 400, says: "max_tokens") { _ in
            #"{"model":"one/m","max_tokens":-5,\#(Self.message)}"#
        },
        Self.body("a max_tokens beyond all numbers", 400, says: "max_tokens") { _ in
            #"{"model":"one/m","max_tokens":1e999,\#(Self.message)}"#
        },
        Self.body("a max_tokens of a thousand digits", 400, says: "max_tokens") { _ in
            #"{"model":"one/m","max_tokens":\#(String(repeating: "9", count: 1000)),\#(Self.message)}"#
        },
        Self.body("100,000 levels", 400) { surface in
            let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
            return surface.request("one/m", stream: false, #","metadata":\#(deep)"#)
        },
        Self.body("100,000 levels that never end", 400) { _ in String(repeating: #"{"a":"#, count: 40_000) },
        Self.body("a NUL in a string", 400) { $0.request("one/m", stream: false, ",\"user\":\"a\u{0}b\"") },
        Self.body("a NUL between values", 400) { $0.request("one/m") + "\u{0}" },
        Self.body("a lone surrogate as model", 404) { $0.request(#"\ud800"#) },
    ]

    private static func whole(_ surface: Surface, key: String) -> ByteBuffer {
        let body = surface.request("one/m")
        var bytes = Self.head(surface, ["content-length: \(body.utf8.count)"], key: key)
        bytes.writeString(body)
        return bytes
    }
}

@Suite("Bad input", .timeLimit(.minutes(15)))
struct BadInputTests {
    @Test(
        "each gets its status in the client's dialect, and the gateway lives", arguments: BadRequest.all,
        Surface.allCases)
    func refused(bad: BadRequest, client: Surface) async throws {
        for upstream in Surface.allCases {
            try await withMock(MockScript(delay: .zero)) { engine, port in
                let yaml = """
                    providers:
                      one:
                        type: \(upstream.provider)-compatible
                        base_url: http://127.0.0.1:\(port)
                        api_key: sk-upstream
                        models: [m, claude-sonnet-5]
                        retry: { max_attempts: 1 }
                    keys:
                      - { name: good, key: sk-good, models: ["*"] }
                      - { name: narrow, key: sk-narrow, models: ["other"] }
                    """
                try await withGateway(yaml, listen: "drain: 0s, body_limit: 256KiB") { gateway in
                    let connection = try await gateway.connect()
                    try await connection.send(bad.bytes(client))
                    let reply = await connection.reply()
                    #expect(reply.status == bad.status && reply.isWhole, "\(upstream) upstream: \(reply)")
                    #expect(reply.headers["content-type"] == "application/json")
                    #expect(reply.headers["x-request-id"]?.isEmpty == false)
                    let type =
                        switch bad.status {
                        case 401: "authentication_error"
                        case 403: "permission_error"
                        case 404: "not_found_error"
                        case 413 where client == .anthropic: "request_too_large"
                        default: "invalid_request_error"
                        }
                    let prefix = client == .openAI || bad.isUnreadable ? #"{"error":{"# : #"{"type":"error","error":{"#
                    #expect(reply.body.hasPrefix(prefix), "\(reply.body)")
                    #expect(reply.body.contains(#""type":"\#(type)""#), "\(reply.body)")
                    #expect(reply.body.contains(bad.says), "\(reply.body)")
                    let next = bad.keepsConnection ? connection : try await gateway.connect()
                    let fine = try await next.post(client.path, client.request("one/m"), ["x-api-key: sk-good"])
                    #expect(fine.status == 200, "\(fine)")
                    // What the gateway can tell is wrong costs no provider's time.
                    #expect(engine.statistics.total.completed <= 2)
                }
            }
        }
    }

    @Test("what is odd and not wrong passes", arguments: Surface.allCases)
    func odd(client: Surface) async throws {
        try await withMock(MockScript(delay: .zero)) { _, port in
            let yaml = """
                providers:
                  one: { type: \(client.provider)-compatible, base_url: "http://127.0.0.1:\(port)", api_key: k }
                """
            try await withGateway(yaml) { gateway in
                let connection = try await gateway.connect()
                let digits = String(repeating: "7", count: 1000)
                for more in [
                    #","unknown":\#(digits)"#, #","unknown":1e-999"#, #","unknown":"\ud800""#, ",\"a\":1,\"a\":2",
                ] {
                    let reply = try await connection.post(client.path, client.request("one/m", stream: false, more))
                    #expect(reply.status == 200, "\(more.prefix(40)): \(reply.body)")
                }
            }
        }
    }
}
