import Foundation
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailControl

/// What `fetch_urls` fetches, over real sockets on loopback, which only these tests permit.
@Suite("Fetching media for a request")
struct MediaDownloadTests {
    private static let group = MultiThreadedEventLoopGroup.singleton

    private static func download(permitsAll: Bool = true) -> MediaDownload {
        var download = MediaDownload(
            group: Self.group, time: .live, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        if permitsAll { download.permits = { _ in true } }
        // A limit that a test need not send megabytes to reach.
        download.maximumSize = 1 << 20
        // However busy the machine is.
        download.timeouts = Timeouts(
            connect: .seconds(600), firstToken: .seconds(600), idle: .seconds(600), total: .seconds(600))
        return download
    }

    private static func fails(_ url: String, permitsAll: Bool = true) async -> NeedletailError? {
        await #expect(throws: NeedletailError.self) {
            try await Self.download(permitsAll: permitsAll).fetch(url, deadline: nil)
        }
    }

    @Test("an image comes back in base64 with its type, and path and query are asked as written")
    func image() async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in .init(type: "image/png; charset=x", "PICTURE") }
        let (type, data) = try await Self.download().fetch("\(server.url)/a%20b/c.png?x=1&y=%2F#f", deadline: nil)
        #expect(type == "image/png")
        #expect(data == "UElDVFVSRQ==")
        #expect(server.requests.first?.hasPrefix("GET /a%20b/c.png?x=1&y=%2F HTTP/1.1\r\n") == true)
        await server.stop()
    }

    @Test("a name leads to the address that was judged, and the server is told the name")
    func name() async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in .init(type: "application/pdf", "%PDF") }
        let (type, _) = try await Self.download().fetch("http://localhost:\(server.port)", deadline: nil)
        #expect(type == "application/pdf")
        #expect(server.requests.first?.lowercased().contains("host: localhost:\(server.port)") == true)
        await server.stop()
    }

    @Test(
        "what is no picture is refused",
        arguments: [
            LoopbackServer.Answer(type: "text/html", "<html>"), .init(type: "application/json", "{}"),
            .init(status: 404, type: "image/png", "x"), .init(status: 500, type: "image/png", "x"),
            .init(status: 302, type: "image/png", headers: ["location: http://127.0.0.1:1/secret"], "x"),
            .init(
                bytes: ByteBuffer(string: "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\nx"),
                closes: true),
            .init(bytes: ByteBuffer(string: "no HTTP at all\r\n\r\n"), closes: true),
        ])
    func refused(_ answer: LoopbackServer.Answer) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in answer }
        let error = await Self.fails("\(server.url)/x.png")
        #expect(error?.code == .invalidRequest)
        #expect(error?.disposition.status == 400)
        #expect(error?.parameter == "messages")
        // A redirect is not followed, and nothing is asked twice.
        #expect(server.requests.count == 1)
        await server.stop()
    }

    @Test("what is too large is refused, said or unsaid")
    func tooLarge() async throws {
        let size = (1 << 20) + 1
        let said = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: \(size)\r\n\r\n"
        let unsaid = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\nconnection: close\r\n\r\n"
        for head in [said, unsaid] {
            let server = try await LoopbackServer(on: Self.group) { _ in
                var bytes = ByteBuffer(string: head)
                bytes.writeRepeatingByte(7, count: size)
                return .init(bytes: bytes, closes: true)
            }
            let error = await Self.fails("\(server.url)/x.png")
            #expect(error?.code == .invalidRequest)
            #expect(error?.message.contains("1 MiB") == true, "\(error?.message ?? "")")
            await server.stop()
        }
    }

    @Test(
        "no private address is asked",
        arguments: [
            "http://127.0.0.1:PORT/x", "http://localhost:PORT/x", "http://[::1]:PORT/x", "http://0.0.0.0:PORT/x",
            "http://10.0.0.1/x", "http://192.168.1.1/x", "http://172.16.0.1/x",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/x", "http://[::ffff:127.0.0.1]:PORT/x", "http://[fe80::1]/x", "http://[fd00::1]/x",
            "http://2130706433:PORT/x", "http://0x7f.1:PORT/x", "http://127.1:PORT/x",
        ])
    func privateAddress(_ url: String) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in .init(type: "image/png", "SECRET") }
        let error = await Self.fails(url.replacing("PORT", with: "\(server.port)"), permitsAll: false)
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("could not be fetched") == false, "\(error?.message ?? "")")
        #expect(server.requests.isEmpty)
        await server.stop()
    }

    @Test(
        "what is no web address is refused",
        arguments: ["file:///etc/passwd", "ftp://x/y", "http://", "x", "", "http://u:p@h/x"])
    func noURL(_ url: String) async {
        let error = await Self.fails(url)
        #expect(error?.code == .invalidRequest)
    }

    @Test(
        "which addresses are public",
        arguments: [
            ("8.8.8.8", true), ("1.1.1.1", true), ("172.32.0.1", true), ("100.128.0.1", true),
            ("2606:4700::1111", true),
            ("2a00:1450:4001::1", true), ("2001:4860:4860::8888", true), ("127.0.0.1", false), ("0.0.0.0", false),
            ("10.1.2.3", false), ("172.31.255.255", false), ("192.168.0.1", false), ("169.254.169.254", false),
            ("100.64.0.1", false), ("224.0.0.1", false), ("255.255.255.255", false), ("198.18.0.1", false),
            ("::1", false), ("::", false), ("fe80::1", false), ("fc00::1", false), ("ff02::1", false),
            ("::ffff:10.0.0.1", false), ("64:ff9b::7f00:1", false), ("2002:7f00:1::", false), ("2001::1", false),
        ])
    func isPublic(_ text: String, _ isPublic: Bool) throws {
        #expect(PublicAddress.isPublic(try SocketAddress(ipAddress: text, port: 80)) == isPublic)
    }

    @Test("fetch_urls without inline_media_only is warned about; both together are not")
    func configuration() throws {
        let alone = try Fixture.load("providers: { a: { type: openai, api_key: { env: DEV_KEY }, fetch_urls: true } }")
        #expect(alone.warnings.contains { $0.description.contains("'fetch_urls' has no effect") })
        let both = try Fixture.load(
            "providers: { a: { type: openai, api_key: { env: DEV_KEY }, fetch_urls: true, quirks: { inline_media_only: true } } }"
        )
        #expect(both.warnings.isEmpty)
        #expect(both.provider("a")?.takesOnlyInlineMedia == true && both.provider("a")?.allowsImageFetch == true)
        #expect(try Fixture.load(Fixture.sample).provider("first")?.takesOnlyInlineMedia == false)
    }
}
