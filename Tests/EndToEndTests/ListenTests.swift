import Foundation
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Addresses that change while the gateway serves", .timeLimit(.minutes(5)))
struct ListenTests {
    /// A gateway with a file, which is to say something else about where it listens.
    private struct World {
        let gateway: TestGateway
        let file: URL
        let rest: String

        func reload(
            api: String = "127.0.0.1:0", admin: String = "127.0.0.1:0", _ more: String = ""
        ) throws -> RunningConfiguration.Attempt {
            let listen = "listen: { api: \"\(api)\", admin: \"\(admin)\", drain: 30s }\n"
            try Data((listen + more + self.rest).utf8).write(to: self.file)
            return try self.gateway.process.running.reload("test")
        }

        /// The port of a listener, once it listens.
        func port(of listener: Listener) async throws -> Int {
            await eventually { listener.server.port != nil }
            return try #require(listener.server.port)
        }
    }

    private func withWorld(_ upstream: Int, _ body: (World) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "needletail-listen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "needletail.yaml")
        let rest = """
            providers:
              a: { type: openai-compatible, base_url: "http://127.0.0.1:\(upstream)", health_check: false }
            keys: [{ name: k, key: a-key-of-this-test }]
            store: off

            """
        let gateway = try await TestGateway.start(rest, listen: "drain: 30s", file: file)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await gateway.process.listeners.run { .seconds(30) } }
                defer { group.cancelAll() }
                try await body(World(gateway: gateway, file: file, rest: rest))
            }
        } catch {
            await gateway.stop()
            throw error
        }
        await gateway.stop()
    }

    private static let key = ["authorization: Bearer a-key-of-this-test"]
    private static let body = Surface.openAI.request("a/m")

    @Test("a new address is served at once; a stream on the old one ends whole, and nobody is let in there any more")
    func moves() async throws {
        let event = #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"#
        let begins = event + #""delta":{"role":"assistant","content":"a"},"finish_reason":null}]}"# + "\n\n"
        let ends = event + #""delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n"
        let open = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in
            open.withLock { $0 = peer }
            peer.send(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: \((begins + ends).utf8.count)\r\n\r\n"
                    + begins)
        }) { upstream in
            try await self.withWorld(upstream.port) { world in
                let gateway = world.gateway
                let (client, idle) = (try await gateway.connect(), try await gateway.connect())
                let body = Surface.openAI.request("a/m", stream: true)
                try await client.send(
                    "POST \(Surface.openAI.path) HTTP/1.1\r\nhost: localhost\r\n\(Self.key[0])\r\n"
                        + "content-length: \(body.utf8.count)\r\n\r\n\(body)")
                await client.wait(for: "data: ")
                let (old, left) = (gateway.process.listeners.api.server, gateway.port)
                let attempt = try world.reload(api: "127.0.0.2:0")
                #expect(attempt.faults == [] && attempt.restartNeeded == [])
                let port = try await world.port(of: gateway.process.listeners.api)
                let next = try await TestClient.connect(port, host: "127.0.0.2")
                #expect(try await next.ask("GET", "/health").status == 200)
                // Who asks nothing is let go.
                await idle.untilClosed()
                await eventually { (try? BoundSocket(host: "127.0.0.1", port: left)) != nil }
                #expect(old.openConnections == 1 && gateway.process.listeners.api.openConnections >= 2)
                open.withLock { $0 }?.send(ends)
                let whole = await client.reply()
                #expect(whole.isWhole && whole.body.hasSuffix("data: [DONE]\n\n"), "\(whole.body.suffix(200))")
                await client.untilClosed()
                await eventually { old.openConnections == 0 }
            }
        }
    }

    @Test("an address that is somebody else's is a fault, and all stays where it was")
    func taken() async throws {
        let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: "127.0.0.1", port: 0)).get()
        let port = try #require(other.localAddress?.port)
        try await self.withWorld(1) { world in
            for (api, admin) in [("127.0.0.2:0", "127.0.0.1:\(port)"), ("127.0.0.1:\(port)", "127.0.0.2:0")] {
                let attempt = try world.reload(api: api, admin: admin)
                #expect(
                    attempt.faults.count == 1 && attempt.faults[0].contains("Cannot listen on 127.0.0.1:\(port)"),
                    "\(attempt.faults)")
            }
            #expect(try await world.gateway.connect().ask("GET", "/health").status == 200)
            let admin = try await TestClient.connect(world.gateway.adminPort)
            #expect(try await admin.ask("GET", "/health").status == 200)
        }
        try await other.close()
    }

    @Test("all addresses of the machine follow on one of them, on the same port")
    func wider() async throws {
        try await withMock(MockScript(delay: .zero)) { _, upstream in
            try await self.withWorld(upstream) { world in
                let port = world.gateway.port
                let old = world.gateway.process.listeners.api.server
                #expect(try world.reload(api: "0.0.0.0:\(port)").faults == [])
                #expect(try await world.port(of: world.gateway.process.listeners.api) == port)
                await eventually { old.port == nil }
                for host in ["127.0.0.1", "127.0.0.2"] {
                    let client = try await TestClient.connect(port, host: host)
                    #expect(try await client.post(Surface.openAI.path, Self.body, Self.key).status == 200, "\(host)")
                }
            }
        }
    }

    @Test("the address says who may ask: off loopback a key is wanted that nobody is asked for on it")
    func access() async throws {
        try await self.withWorld(1) { world in
            let listener = world.gateway.process.listeners.admin
            let before = try await TestClient.connect(world.gateway.adminPort)
            #expect(try await before.ask("GET", "/admin/v1/whoami").status == 200)
            let key = "an-admin-key-long-enough"
            #expect(try world.reload(admin: "0.0.0.0:0", "admin: { key: \(key) }\n").faults == [])
            let after = try await TestClient.connect(try await world.port(of: listener))
            #expect(try await after.ask("GET", "/admin/v1/whoami").status == 401)
            #expect(try await after.ask("GET", "/admin/v1/whoami", ["authorization: Bearer \(key)"]).status == 200)
        }
    }
}
