import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailTransport
import Testing

@Suite("UpstreamPool over TLS", .timeLimit(.minutes(15)))
struct UpstreamPoolTLSTests {
    let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test("A server of the given authority is trusted, by name and by address", arguments: ["localhost", "127.0.0.1"])
    func trusted(host: String) async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await ScriptedServer(on: self.loop, tls: certificates.serverContext()) { peer, _, _ in
            peer.send("secret".asResponse)
        }
        let options = TransportOptions(tls: TLSOptions(roots: .file(certificates.authority)))
        let fixture = try Fixture(server.port, scheme: .https, host: host, options: options, group: self.loop)
        for _ in 0..<3 { #expect(try await fixture.get().1 == "secret") }
        #expect(fixture.pool.counters.open == 1)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("Another authority, another name and plain text are refused, in words")
    func refused() async throws {
        let certificates = try TestCertificates.shared.get()
        let custom = TransportOptions(tls: TLSOptions(roots: .file(certificates.authority)))
        let cases: [(certificate: String?, options: TransportOptions, message: String)] = [
            ("local", TransportOptions(), "not signed by a trusted authority"),
            ("other", custom, "for another host"),
            (nil, custom, "does not speak TLS"),
        ]
        for (certificate, options, message) in cases {
            let context = try certificate.map { try certificates.serverContext($0) }
            let server = try await ScriptedServer(
                on: self.loop, tls: context, onConnect: { if context == nil { $0.send("220 smtp ready\r\n") } }
            ) { _, _, _ in }
            let fixture = try Fixture(
                server.port, scheme: .https, host: "localhost", options: options, group: self.loop)
            let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
            #expect(error?.code == .unreachable)
            #expect(error?.message.hasPrefix("No TLS connection to localhost could be made: ") == true)
            #expect(error?.message.contains(message) == true, "\(String(describing: error))")
            #expect(error?.mayHaveBeenProcessed == false)
            #expect(server.requests.isEmpty)
            #expect(await eventually { fixture.pool.counters.open == 0 })
            await fixture.pool.shutdown()
            await server.stop()
        }
    }

    @Test("Verification can be switched off")
    func unverified() async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await ScriptedServer(on: self.loop, tls: certificates.serverContext("other")) { peer, _, _ in
            peer.send("x".asResponse)
        }
        let options = TransportOptions(tls: TLSOptions(verifiesCertificate: false))
        let fixture = try Fixture(server.port, scheme: .https, options: options, group: self.loop)
        #expect(try await fixture.get().1 == "x")
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("Roots that cannot be read are a fault of the configuration")
    func badRoots() throws {
        for roots in [TLSOptions.Roots.file("/no/such/file.pem"), .pem(Array("nothing".utf8)), .pem([])] {
            let options = TransportOptions(tls: TLSOptions(roots: roots))
            #expect(throws: NeedletailError.self) { try Fixture(1, scheme: .https, options: options, group: self.loop) }
        }
    }

    @Test("A secure upstream is reached through the proxy's tunnel, with its credentials")
    func tunnel() async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await ScriptedServer(on: self.loop, tls: certificates.serverContext()) { peer, _, _ in
            peer.send("inside".asResponse)
        }
        let proxy = try await TestProxy(on: self.loop)
        let setting = try ProxySetting.fromEnvironment(
            ["HTTPS_PROXY": "http://user:p%40ss@127.0.0.1:\(proxy.port)"],
            for: Origin(scheme: .https, host: "localhost", port: server.port)
        )
        let options = TransportOptions(tls: TLSOptions(roots: .file(certificates.authority)), proxy: setting)
        let fixture = try Fixture(server.port, scheme: .https, host: "localhost", options: options, group: self.loop)
        #expect(try await fixture.get().1 == "inside")
        let head = try #require(proxy.heads.lines.first)
        #expect(head.hasPrefix("CONNECT localhost:\(server.port) HTTP/1.1\r\nhost: localhost:\(server.port)\r\n"))
        #expect(head.contains("proxy-authorization: Basic dXNlcjpwQHNz\r\n"))
        await fixture.pool.shutdown()
        await server.stop()
        await proxy.stop()
    }

    @Test(
        "A proxy that refuses is named",
        arguments: [("407 No", "wants other credentials"), ("502 Bad", "answered 502")]
    )
    func refusedTunnel(status: String, message: String) async throws {
        let proxy = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send("HTTP/1.1 \(status)\r\ncontent-length: 3\r\n\r\nbad")
        }
        let options = TransportOptions(proxy: .http(.init(host: "127.0.0.1", port: proxy.port)))
        let fixture = try Fixture(443, scheme: .https, host: "example.invalid", options: options, group: self.loop)
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await fixture.pool.shutdown()
        await proxy.stop()
    }

    @Test("A plain upstream is asked for in absolute form through the proxy")
    func absoluteForm() async throws {
        let proxy = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send("x".asResponse) }
        let setting = ProxySetting.http(.init(host: "127.0.0.1", port: proxy.port, authorization: "Basic eA=="))
        let options = TransportOptions(proxy: setting)
        let fixture = try Fixture(8080, host: "example.invalid", options: options, group: self.loop)
        #expect(try await fixture.get("/v1").1 == "x")
        #expect(
            proxy.requests == [
                "GET http://example.invalid:8080/v1 HTTP/1.1\r\nhost: example.invalid:8080\r\n"
                    + "accept-encoding: identity\r\nproxy-authorization: Basic eA==\r\n\r\n"
            ]
        )
        await fixture.pool.shutdown()
        await proxy.stop()
    }
}
