import Foundation
import NIOCore
import NIOHPACK
import NIOSSL
import NeedletailCore
import NeedletailGateway
import NeedletailTransport
import Synchronization
import Testing

@testable import NeedletailControl

/// Clients that leave anywhere, upstreams that break anywhere, over sockets, on every protocol: who waits is answered, and
/// in the end nothing is taken any more.
///
/// `NEEDLETAIL_SEED=n` plays one seed again, `NEEDLETAIL_CLIENTS=n` has that many clients.
@Suite("Clients and upstreams that do anything", .serialized, .timeLimit(.minutes(5)))
struct RandomClientsTests {
    enum Wire: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case plain = "HTTP/1.1"
        case tls = "HTTP/1.1 over TLS"
        case http2 = "HTTP/2"
        var testDescription: String { self.rawValue }
    }

    private static let environment = ProcessInfo.processInfo.environment
    private static let seeds: [UInt64] = environment["NEEDLETAIL_SEED"].flatMap(UInt64.init).map { [$0] } ?? [1]
    private static let clients = environment["NEEDLETAIL_CLIENTS"].flatMap(Int.init) ?? 84

    @Test(
        "everyone who waits is answered, and nothing stays taken", arguments: Wire.allCases, Self.seeds)
    func settles(wire: Wire, seed: UInt64) async throws {
        try await self.play(wire, seed, drain: "0s") { gateway, crowd in
            let findings = await crowd.run(Self.clients)
            #expect(
                findings.isEmpty, "NEEDLETAIL_SEED=\(seed) on \(wire.rawValue)\n\(findings.joined(separator: "\n"))")
            // One connection for all looks: the listener has no more than some hundreds.
            let admin = try await TestClient.connect(gateway.adminPort)
            var left = try await Self.taken(gateway, admin)
            while !left.isEmpty, !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(10))
                left = try await Self.taken(gateway, admin)
            }
            #expect(left.isEmpty, "NEEDLETAIL_SEED=\(seed) on \(wire.rawValue)")
        }
    }

    @Test("a drain amid it all ends, and with it everyone who waits", arguments: Wire.allCases, Self.seeds)
    func drains(wire: Wire, seed: UInt64) async throws {
        try await self.play(wire, seed, drain: "50ms") { gateway, crowd in
            async let findings = crowd.run(Self.clients)
            await eventually { crowd.begun >= Self.clients / 3 }
            await gateway.stop()
            // What they were told is not the same each time; that each was told something, or lost its connection, is.
            _ = await findings
            #expect(crowd.begun == Self.clients)
        }
    }

    // MARK: The world

    private func play(
        _ wire: Wire, _ seed: UInt64, drain: String, _ body: (TestGateway, Crowd) async throws -> Void
    ) async throws {
        let folder = try await TLSTests.certificate()
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = EdgeTLS(certificateFile: folder.path + "/cert.pem", keyFile: folder.path + "/key.pem")
        try await withMock(Self.script(seed)) { _, firstPort in
            try await withMock(Self.script(seed &+ 1_000), tls: files) { _, secondPort in
                let tls = ", tls: { cert: \(files.certificateFile), key: \(files.keyFile) }"
                let gateway = try await TestGateway.start(
                    Self.yaml(firstPort, secondPort, authority: files.certificateFile),
                    listen: "drain: \(drain), body_limit: 64KiB" + (wire == .plain ? "" : tls))
                let crowd = Crowd(wire, seed, port: gateway.port, authority: files.certificateFile)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await gateway.process.jobs.run() }
                    await eventually { gateway.process.jobs.isRunning }
                    do { try await body(gateway, crowd) } catch {
                        group.cancelAll()
                        await gateway.stop()
                        throw error
                    }
                    group.cancelAll()
                }
                await gateway.stop()
            }
        }
    }

    private static func yaml(_ first: Int, _ second: Int, authority: String) -> String {
        """
        providers:
          one: { type: openai-compatible, base_url: "http://127.0.0.1:\(first)", api_key: k, health_check: false,
                 timeouts: { connect: 5s, first_token: 150ms, idle: 150ms, total: 20s }, retry: { base_delay: 2ms },
                 limits: { concurrency: 5 }, circuit_breaker: { failure_threshold: 4, recovery_timeout: 50ms } }
          two: { type: anthropic-compatible, base_url: "https://localhost:\(second)", ca_file: \(authority), api_key: k,
                 health_check: false, timeouts: { connect: 5s, first_token: 150ms, idle: 150ms, total: 20s }, retry: { base_delay: 2ms },
                 circuit_breaker: { failure_threshold: 4, recovery_timeout: 50ms } }
        models:
          plain: { targets: [one/m, two/m], queue: { size: 4, timeout: 500ms } }
          narrow: { targets: [one/m], queue: { size: 2, timeout: 200ms } }
          hedged: { targets: [two/m, one/m], hedge: { after: 5ms, budget: 1 } }
          shared: { targets: [one/m, two/m], coalesce: true }
          continued: { targets: [one/m, two/m], mid_stream: continue }
          copied: { targets: [two/m], shadow: { to: one/copy, percent: 100 } }
        """
    }

    /// A third of the calls go wrong.
    private static func script(_ seed: UInt64) -> MockScript {
        var random = RandomSource.Generator(.seeded(seed))
        var rules: [MockRule] = []
        for _ in 0..<14 {
            var rule = MockRule()
            rule.match.probability = 0.03
            if Int.random(in: 0..<4, using: &random) == 0 {
                rule.reply.status = [400, 429, 500, 503].randomElement(using: &random)
            } else {
                let places: [MockFault.Place] = [
                    .connect, .headers, .firstEvent, .chunk(1), .chunk(3), .beforeUsage, .beforeDone,
                ]
                let kinds: [MockFault.Kind] = [.reset, .stall, .garbage, .errorEvent]
                rule.fault = MockFault(
                    at: places[Int.random(in: 0..<places.count, using: &random)],
                    kind: kinds[Int.random(in: 0..<kinds.count, using: &random)])
            }
            rules.append(rule)
        }
        // More than a window of HTTP/2 takes.
        var long = MockRule()
        long.match.model = "long"
        long.reply.text = String(repeating: "one word after another ", count: 16_000)
        long.reply.chunks = 40
        rules.append(long)
        return MockScript(seed: seed, delay: .milliseconds(2), chunkDelay: .milliseconds(1), rules: rules)
    }

    /// What is still taken, as an operator would see it, and in the pools.
    private static func taken(_ gateway: TestGateway, _ admin: TestClient) async throws -> [String] {
        let text = try await admin.ask("GET", "/metrics").body
        var taken: [String] = []
        let names = ["requests_in_flight", "queue_waiting", "deployment_in_flight", "connections", "limit_remaining"]
        for name in names { #expect(text.contains("\nneedletail_\(name)"), "nothing is told of it") }
        for name in ["needletail_requests_in_flight", "needletail_queue_waiting", "needletail_deployment_in_flight"]
        where MetricsTests.sum(text, name) != 0 {
            taken.append("\(name) \(MetricsTests.sum(text, name))")
        }
        let connections = MetricsTests.sum(text, "needletail_connections", [#"listener="api""#])
        if connections != 0 { taken.append("connections \(connections)") }
        let permits = [#"kind="concurrency""#]
        let missing =
            MetricsTests.sum(text, "needletail_limit", permits)
            - MetricsTests.sum(text, "needletail_limit_remaining", permits)
        if missing != 0 { taken.append("permits \(missing)") }
        for entry in gateway.process.stack.upstreams {
            for pool in entry.pools where pool.counters.inUse > 0 || pool.counters.waiters > 0 {
                // An HTTP/2 connection counts as in use for as long as it is open.
                guard entry.configuration.name != "two" || pool.counters.waiters > 0 else { continue }
                taken.append("\(entry.configuration.name) \(pool.counters)")
            }
        }
        return taken
    }
}

/// Clients, several at a time, whose every choice comes from the seed.
private final class Crowd: Sendable {
    private let wire: RandomClientsTests.Wire
    private let seed: UInt64
    private let port: Int
    private let authority: String
    private let count = Atomic<Int>(0)

    /// How many have begun.
    var begun: Int { self.count.load(ordering: .relaxed) }

    init(_ wire: RandomClientsTests.Wire, _ seed: UInt64, port: Int, authority: String) {
        self.wire = wire
        self.seed = seed
        self.port = port
        self.authority = authority
    }

    /// Returns what somebody waited for in vain.
    func run(_ clients: Int, workers: Int = 12) async -> [String] {
        await withTaskGroup(of: [String].self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var random = RandomSource.Generator(.seeded(self.seed &* 1_000 &+ UInt64(worker)))
                    var findings: [String] = []
                    for number in stride(from: worker, to: clients, by: workers) {
                        self.count.add(1, ordering: .relaxed)
                        do {
                            let finding =
                                self.wire == .http2
                                ? try await self.streams(&random) : try await self.connection(&random)
                            if let finding { findings.append("client \(number): \(finding)") }
                        } catch {
                            findings.append("client \(number): \(error)")
                        }
                    }
                    return findings
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    // MARK: HTTP/1.1

    private struct Request {
        var surface: Surface
        var body: String
        var head: String
        var text: String { self.head + self.body }
    }

    private func request(_ random: inout RandomSource.Generator) -> Request {
        let models = ["plain", "narrow", "hedged", "shared", "continued", "copied", "one/m", "unknown"]
        let surface: Surface = Bool.random(using: &random) ? .openAI : .anthropic
        var body = surface.request(
            models[Int.random(in: 0..<models.count, using: &random)], stream: Bool.random(using: &random))
        // One in sixteen is larger than the listener takes.
        switch Int.random(in: 0..<16, using: &random) {
        case 0: body += String(repeating: " ", count: 100_000)
        case 1, 2: body += String(repeating: " ", count: 40_000)
        default: break
        }
        let expects = Int.random(in: 0..<8, using: &random) == 0 ? "expect: 100-continue\r\n" : ""
        let head =
            "POST \(surface.path) HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\(expects)"
            + "content-length: \(body.utf8.count)\r\n\r\n"
        return Request(surface: surface, body: body, head: head)
    }

    private func tls(_ protocols: [String] = []) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(self.authority)
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    /// One connection's life.
    private func connection(_ random: inout RandomSource.Generator) async throws -> String? {
        let way = Int.random(in: 0..<12, using: &random)
        // In the fourth way nothing is read; over TLS that would be no connection.
        let client = try await TestClient.connect(
            self.port, reads: way != 4 || self.wire == .tls, tls: self.wire == .tls ? try self.tls() : nil)
        let leaving = Int.random(in: 0..<3, using: &random)
        defer {
            switch leaving {
            case 0: client.close()
            default: client.cut(resets: leaving == 1)
            }
        }
        let request = self.request(&random)
        switch way {
        case 0: break
        case 1:
            try? await client.send(String(request.text.prefix(Int.random(in: 1..<request.text.count, using: &random))))
        case 2, 4: try? await client.send(request.text)
        case 3:
            try? await client.send(request.text)
            await client.wait(for: Bool.random(using: &random) ? "HTTP/1.1 " : "\r\n\r\n")
        case 5:
            // Whoever ends its sending has gone: an answer may come and need not.
            try? await client.send(request.text)
            client.finishSending()
            await client.untilClosed()
        case 6:
            let second = self.request(&random)
            try? await client.send(request.text + second.text)
            let first = await client.reply()
            guard first.status >= 200, first.isWhole else { return "no whole first answer but \(first)" }
            guard first.headers["connection"] != "close" else { return nil }
            let next = await client.reply()
            guard next.status >= 200, next.isWhole else { return "no whole second answer but \(next)" }
        default:
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let request = self.request(&random)
                var text = request.text[...]
                while !text.isEmpty {
                    let piece = text.prefix(Int.random(in: 1...max(1, text.count), using: &random))
                    try? await client.send(String(piece))
                    text = text.dropFirst(piece.count)
                }
                let reply = await client.reply()
                guard reply.status >= 200, reply.isWhole else { return "no whole answer but \(reply)" }
                guard reply.headers["connection"] != "close" else { return nil }
            }
        }
        return nil
    }

    // MARK: HTTP/2

    /// One connection's life.
    private func streams(_ random: inout RandomSource.Generator) async throws -> String? {
        let client = try await StreamClient.connect(self.port, tls: try self.tls(["h2"]))
        let leaving = Int.random(in: 0..<6, using: &random)
        // Some go while their streams run.
        let waits = leaving > 1
        var finding: String?
        var (awaited, paused): ([StreamClient.Stream], [StreamClient.Stream]) = ([], [])
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            var request = self.request(&random)
            let way = Int.random(in: 0..<9, using: &random)
            if way == 4 { request.body = request.surface.request("one/long", stream: true) }
            let stream = try await client.open(pauses: way == 4)
            let headers: HPACKHeaders = [
                ":method": "POST", ":scheme": "https", ":authority": "localhost", ":path": request.surface.path,
                "content-type": "application/json", "content-length": "\(request.body.utf8.count)",
            ]
            stream.send(headers, isEnd: false)
            switch way {
            case 0: stream.reset()
            case 1:
                stream.send(String(request.body.prefix(20)), isEnd: false)
                stream.reset()
            case 2:
                stream.send(request.body, isEnd: true)
                stream.reset()
            case 3:
                stream.send(request.body, isEnd: true)
                if waits { await stream.untilHead() }
                stream.reset()
            case 4:
                stream.send(request.body, isEnd: true)
                paused.append(stream)
            default:
                stream.send(request.body, isEnd: true)
                awaited.append(stream)
            }
        }
        if waits {
            for stream in awaited {
                let answer = await stream.answer
                if answer.status < 200 || !answer.isWhole { finding = "no whole answer but \(answer)" }
            }
        }
        // The others go with their connection.
        for stream in paused where Bool.random(using: &random) {
            if waits { await stream.untilHead() }
            stream.reset()
        }
        if leaving % 3 == 0 { client.close() } else { client.cut(resets: leaving % 3 == 1) }
        return finding
    }
}
