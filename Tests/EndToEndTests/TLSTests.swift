import Foundation
import NIOCore
import Synchronization
import Testing

/// The TLS listener as another implementation sees it: curl, over HTTP/2 and HTTP/1.1.
@Suite("TLS and HTTP/2", .serialized, .timeLimit(.minutes(15)))
struct TLSTests {
    private static let yaml = "providers:\n  mock: { type: mock, delay: 0s }\n"

    /// A certificate for localhost in a folder of its own.
    static func certificate() async throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "needletail-edge-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let made = try await Command.start(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
            folder.appending(path: "key.pem").path, "-out", folder.appending(path: "cert.pem").path
        ).end()
        try #require(made.status == 0, "\(made)")
        return folder
    }

    private static func listen(_ folder: URL, drain: String = "0s") -> String {
        "drain: \(drain), tls: { cert: \(folder.path)/cert.pem, key: \(folder.path)/key.pem }"
    }

    /// Starts curl against the gateway; `arguments` follow the common ones.
    private static func curl(_ folder: URL, _ arguments: String...) throws -> Command {
        try Command.start(["curl", "-sS", "--cacert", folder.path + "/cert.pem"] + arguments)
    }

    private static func url(_ gateway: TestGateway, _ path: String) -> String {
        "https://localhost:\(gateway.port)\(path)"
    }

    @Test(
        "ALPN chooses the protocol, and both dialects answer over it, whole and streamed",
        arguments: [("--http2", "2"), ("--http1.1", "1.1")], Surface.allCases)
    func protocols(option: (flag: String, version: String), client: Surface) async throws {
        let folder = try await Self.certificate()
        try await withGateway(Self.yaml, listen: Self.listen(folder)) { gateway in
            for isStreaming in [false, true] {
                let done = try await Self.curl(
                    folder, option.flag, "-d", client.request("mock/m", stream: isStreaming), "-w",
                    "\n%{http_version} %{http_code}", Self.url(gateway, client.path)
                ).end()
                #expect(done.status == 0 && done.output.hasSuffix("\n\(option.version) 200"), "\(done)")
                if isStreaming { #expect(done.output.contains(client.endMarker)) }
            }
            let refused = try await Self.curl(
                folder, option.flag, "-d", "{", "-w", "\n%{http_code}", Self.url(gateway, client.path)
            ).end()
            #expect(refused.output.hasSuffix("\n400") && refused.output.contains("invalid_request_error"), "\(refused)")
        }
    }

    @Test("one HTTP/2 connection carries many streams at once")
    func multiplexes() async throws {
        let folder = try await Self.certificate()
        try await withGateway(Self.yaml, listen: Self.listen(folder)) { gateway in
            var arguments = ["curl", "-sS", "-Z", "--http2", "--cacert", folder.path + "/cert.pem"]
            for _ in 0..<40 {
                arguments += [
                    "-o", "/dev/null", "-d", Surface.openAI.request("mock/m", stream: true), "-w",
                    "%{http_code} %{num_connects}\n", Self.url(gateway, "/v1/chat/completions"), "--next", "-sS",
                    "--http2", "--cacert", folder.path + "/cert.pem",
                ]
            }
            arguments += ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", Self.url(gateway, "/health")]
            let done = try await Command.start(arguments).end()
            let lines = done.output.split(separator: "\n")
            #expect(lines.count == 41 && lines.allSatisfy { $0.hasPrefix("200 ") }, "\(done)")
            let connections = lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
            #expect(connections == 1, "\(done)")
        }
    }

    @Test(
        "an upload that is refused does not hang its stream, nor the connection", arguments: ["--http2", "--http1.1"])
    func refusesUploads(flag: String) async throws {
        let folder = try await Self.certificate()
        try await withGateway(Self.yaml, listen: Self.listen(folder) + ", body_limit: 64KiB") { gateway in
            let large = String(repeating: " ", count: 100_000)
            for (path, status) in [("/v1/nothing", "404"), ("/v1/chat/completions", "413")] {
                let certificate = folder.path + "/cert.pem"
                let done = try await Command.start([
                    "curl", "-sS", flag, "--cacert", certificate, "-d", large, "-o", "/dev/null", "-w",
                    "%{http_code}\n",
                    Self.url(gateway, path), "--next", "-sS", flag, "--cacert", certificate, "-o", "/dev/null", "-w",
                    "%{http_code}\n", Self.url(gateway, "/health"),
                ]).end()
                #expect(done.output == "\(status)\n200\n", "\(done)")
            }
        }
    }

    @Test("a request that is not as long as it says breaks its own stream only")
    func brokenStream() async throws {
        let folder = try await Self.certificate()
        try await withGateway(Self.yaml, listen: Self.listen(folder)) { gateway in
            let common = ["-sS", "--http2", "--cacert", folder.path + "/cert.pem", "-o", "/dev/null", "-w"]
            let done = try await Command.start(
                ["curl"] + common + ["", "-H", "content-length: 10", "-d", "abc"]
                    + [Self.url(gateway, "/v1/chat/completions"), "--next"] + common
                    + ["%{http_code} %{num_connects}", Self.url(gateway, "/health")]
            ).end()
            #expect(done.output == "200 0", "\(done)")
        }
    }

    /// Asks for `/health` over a new connection, trusting one certificate.
    private static func health(_ gateway: TestGateway, trusting certificate: URL, _ flag: String) async throws -> String
    {
        let done = try await Command.start(
            "curl", "-sS", flag, "--cacert", certificate.path, "-o", "/dev/null", "-w", "%{http_code}",
            Self.url(gateway, "/health")
        ).end()
        // 60: the certificate is not one that is trusted.
        return done.status == 0 ? done.output : "\(done.status)"
    }

    /// A stream up to its first text, and what follows when the test says so.
    private static let begun =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        + #"data: {"id":"c","choices":[{"index":0,"delta":{"content":"one"},"finish_reason":null}]}"# + "\n\n"
    private static let rest =
        #"data: {"id":"c","choices":[{"index":0,"delta":{"content":"two"},"finish_reason":"stop"}]}"#
        + "\n\ndata: [DONE]\n\n"

    @Test(
        "after a reload new connections are shown the new certificate, and those that are open go on",
        arguments: ["--http2", "--http1.1"])
    func exchangesCertificates(flag: String) async throws {
        let (folder, other) = (try await Self.certificate(), try await Self.certificate())
        let files = FileManager.default
        let (served, key) = (folder.appending(path: "cert.pem"), folder.appending(path: "key.pem"))
        let (old, new) = (folder.appending(path: "old.pem"), other.appending(path: "cert.pem"))
        try files.copyItem(at: served, to: old)
        func serve(_ certificate: URL, _ other: URL) throws {
            for (from, to) in [(certificate, served), (other, key)] {
                try Data(contentsOf: from).write(to: to, options: .atomic)
            }
        }
        let open = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in
            open.withLock { $0 = peer }
            peer.send(Self.begun)
        }) { upstream in
            let yaml = """
                providers:
                  one: { type: openai-compatible, base_url: "http://127.0.0.1:\(upstream.port)", api_key: k, health_check: false }
                """
            let gateway = try await TestGateway.start(
                yaml, listen: Self.listen(folder, drain: "30s"), file: folder.appending(path: "needletail.yaml"))
            let request = Surface.openAI.request("one/m", stream: true)
            let curl = try Command.start(
                "curl", "-sS", flag, "-N", "--cacert", old.path, "-d", request,
                Self.url(gateway, "/v1/chat/completions"))
            await curl.wait(for: "one")
            func reload() async throws -> TestClient.Reply {
                try await TestClient.connect(gateway.adminPort).ask("POST", "/admin/v1/config/reload")
            }

            try serve(new, other.appending(path: "key.pem"))
            #expect(try await Self.health(gateway, trusting: old, flag) == "200", "nothing was read yet")
            let reply = try await reload()
            #expect(reply.status == 200, "\(reply)")
            #expect(try await Self.health(gateway, trusting: new, flag) == "200")
            #expect(try await Self.health(gateway, trusting: old, flag) == "60")

            // A key of another certificate is refused, and what served serves on.
            try serve(old, other.appending(path: "key.pem"))
            let refused = try await reload()
            #expect(refused.status == 422, "\(refused)")
            #expect(try await Self.health(gateway, trusting: new, flag) == "200")

            open.withLock { $0 }?.end(Self.rest)
            let done = await curl.end()
            #expect(done.status == 0 && done.output.contains("two") && done.output.contains("[DONE]"), "\(done)")
            await gateway.stop()
        }
    }

    @Test("a drain says goodbye, and the stream that runs ends whole", arguments: ["--http2", "--http1.1"])
    func drains(flag: String) async throws {
        let folder = try await Self.certificate()
        let open = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in
            open.withLock { $0 = peer }
            peer.send(Self.begun)
        }) { upstream in
            let yaml = """
                providers:
                  one: { type: openai-compatible, base_url: "http://127.0.0.1:\(upstream.port)", api_key: k }
                """
            let gateway = try await TestGateway.start(yaml, listen: Self.listen(folder, drain: "30s"))
            let request = Surface.openAI.request("one/m", stream: true)
            let curl = try Self.curl(
                folder, flag, "-N", "-v", "-d", request, Self.url(gateway, "/v1/chat/completions"))
            await curl.wait(for: "one")
            async let drained: Void = gateway.stop()
            // The listener is closed first; then the connections are told.
            while let late = try? await gateway.connect() { late.close() }
            open.withLock { $0 }?.end(Self.rest)
            let done = await curl.end()
            await drained
            #expect(done.status == 0 && done.output.contains("two") && done.output.contains("[DONE]"), "\(done)")
        }
    }

    @Test("a stream that outlasts the drain's limit ends with an error event", arguments: ["--http2", "--http1.1"])
    func expires(flag: String) async throws {
        let folder = try await Self.certificate()
        try await withUpstream({ peer, _ in peer.send(Self.begun) }) { upstream in
            let yaml = """
                providers:
                  one: { type: openai-compatible, base_url: "http://127.0.0.1:\(upstream.port)", api_key: k }
                """
            let gateway = try await TestGateway.start(yaml, listen: Self.listen(folder, drain: "50ms"))
            let request = Surface.openAI.request("one/m", stream: true)
            let curl = try Self.curl(folder, flag, "-N", "-d", request, Self.url(gateway, "/v1/chat/completions"))
            await curl.wait(for: "one")
            await gateway.stop()
            let done = await curl.end()
            #expect(done.status == 0 && done.output.contains("provider_unavailable"), "\(done)")
        }
    }
}

/// A command that runs beside the test. A shell writes what it says and its status into files: Foundation's pipes lose
/// their end now and then when several commands start at once.
struct Command: Sendable {
    struct End: Sendable {
        var status: Int
        var output: String
        var errors: String
    }

    private let folder: URL

    static func start(_ arguments: String...) throws -> Command { try Self.start(arguments) }

    static func start(_ arguments: [String]) throws -> Command {
        let folder = FileManager.default.temporaryDirectory.appending(path: "needletail-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        let script =
            #""$@" >"$0/output" 2>"$0/errors" </dev/null; echo $? >"$0/status.new"; mv "$0/status.new" "$0/status""#
        process.arguments = ["-c", script, folder.path] + arguments
        try process.run()
        return Command(folder: folder)
    }

    /// Waits for the end.
    func end() async -> End {
        await eventually { self.status != nil }
        let end = End(status: self.status ?? -1, output: self.text("output"), errors: self.text("errors"))
        try? FileManager.default.removeItem(at: self.folder)
        return end
    }

    func wait(for text: String) async {
        await eventually { self.text("output").contains(text) || self.status != nil }
    }

    private var status: Int? { Int(self.text("status").filter(\.isNumber)) }

    private func text(_ name: String) -> String {
        (try? String(contentsOf: self.folder.appending(path: name), encoding: .utf8)) ?? ""
    }
}
