import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailTesting
import NeedletailTransport
import Testing

@testable import NeedletailControl

/// Settings of listeners and telemetry that a reload changes while a gateway listens.
@Suite("Configuration: listeners and telemetry change by reload", .timeLimit(.minutes(5)))
struct LiveSettingsTests {
    private static func file(listen: String = "", _ more: String = "") -> String {
        """
        listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0"\(listen) }
        providers: { mock: { type: mock, delay: 0s } }
        \(more)
        """
    }

    private static func otlp(_ collector: LoopbackServer, key: String) -> String {
        "telemetry: { otlp: { endpoint: \"\(collector.url)\", headers: { x-key: \(key) } } }"
    }

    /// Asks over a connection of its own.
    private static func ask(
        _ port: Int, body: String = #"{"model":"mock/m","messages":[{"role":"user","content":"Hi"}]}"#,
        _ headers: HTTPFields = [:]
    ) async throws -> TransportResponse {
        let pool = try UpstreamPool(
            origin: Origin(scheme: .http, host: "127.0.0.1", port: port), options: TransportOptions(),
            group: MultiThreadedEventLoopGroup.singleton, time: .live,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var all: HTTPFields = [.contentType: "application/json"]
        all.append(contentsOf: headers)
        let response = try await pool.send(
            TransportRequest(
                method: .post, path: "/v1/chat/completions", headers: all, body: ByteBuffer(string: body),
                timeouts: Timeouts()))
        _ = try await response.body.collect(upTo: 1 << 20)
        await pool.shutdown()
        return response
    }

    private static func listening(
        _ file: String, _ body: (_ gateway: FileGateway, _ port: Int) async throws -> Void
    ) async throws {
        let gateway = try FileGateway(file)
        let port = try await gateway.process.start().api.port ?? 0
        do { try await body(gateway, port) } catch {
            await gateway.process.drain()
            throw error
        }
        await gateway.process.drain()
    }

    private static func collector() async throws -> LoopbackServer {
        try await LoopbackServer(on: .singletonMultiThreadedEventLoopGroup) { _ in
            .init(type: "application/x-protobuf", "")
        }
    }

    /// The requests whose spans a collector was sent; `nil` when one of them was sent more often than another.
    private static func spans(_ collector: LoopbackServer) -> Set<String>? {
        let all = collector.requests.filter { $0.hasPrefix("POST /v1/traces ") }
            .flatMap { $0.matches(of: /sent-[0-9]+-end/).map { String($0.output) } }
        let counts = Dictionary(all.map { ($0, 1) }, uniquingKeysWith: +)
        return Set(counts.values).count > 1 ? nil : Set(counts.keys)
    }

    @Test("collectors take each other's place: what was recorded for one goes there, nothing is lost, nothing twice")
    func collectors() async throws {
        let (first, second) = (try await Self.collector(), try await Self.collector())
        try await Self.listening(Self.file(Self.otlp(first, key: "one"))) { gateway, port in
            let telemetry = gateway.process.telemetry
            weak let before = telemetry.current.collectors
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await telemetry.export.run() }
                func send(_ numbers: Range<Int>) async throws -> Set<String> {
                    let ids = numbers.map { "sent-\($0)-end" }
                    for id in ids { #expect(try await Self.ask(port, [.xRequestID: id]).status == 200) }
                    return Set(ids)
                }
                let early = try await send(0..<5)
                try gateway.write(Self.file(Self.otlp(second, key: "two")))
                let attempt = try gateway.running.reload("test")
                #expect(attempt.faults == [] && attempt.restartNeeded == [])
                weak let after = telemetry.current.collectors
                let late = try await send(5..<9)
                try gateway.write(Self.file())
                #expect(try gateway.running.reload("test").faults == [])
                _ = try await send(9..<12)
                while Self.spans(first) != early || Self.spans(second) != late {
                    try await Task.sleep(for: .milliseconds(2))
                }
                // Left alone when they have all: their connections close.
                while before != nil || after != nil { try await Task.sleep(for: .milliseconds(2)) }
                group.cancelAll()
            }
            #expect(first.requests.allSatisfy { $0.contains("x-key: one\r\n") })
            #expect(second.requests.allSatisfy { $0.contains("x-key: two\r\n") })
            #expect(first.requests.contains { $0.hasPrefix("POST /v1/metrics ") }, "the last metrics go there too")
            let metrics = String(buffer: telemetry.metrics(accept: nil).body)
            #expect(metrics.contains("\nneedletail_telemetry_dropped_requests_total 0\n"))
            let sent = metrics.firstMatch(of: /\nneedletail_telemetry_sent_batches_total ([0-9]+)\n/)
            #expect(Int(sent?.output.1 ?? "") == first.requests.count + second.requests.count)
        }
        await first.stop()
        await second.stop()
    }

    @Test("a reload that is refused leaves collectors and metrics as they are")
    func refused() async throws {
        let (first, second) = (try await Self.collector(), try await Self.collector())
        let gateway = try FileGateway(Self.file(Self.otlp(first, key: "one")))
        let before = gateway.process.telemetry.current
        let folder = gateway.folder
        let certificate = try folder.write("cert.pem", "no certificate")
        let key = try folder.write("key.pem", "no key")
        // The file says nothing wrong: what it names is.
        let text = Self.file(listen: ", tls: { cert: \(certificate), key: \(key) }", Self.otlp(second, key: "two"))
        try gateway.write(text)
        let faults = try gateway.running.reload("test").faults
        #expect(faults.count == 1 && faults[0].contains("cert.pem"), "\(faults)")
        let after = gateway.process.telemetry.current
        #expect(before.collectors === after.collectors && before.configuration == after.configuration)
        try gateway.write(Self.file(Self.otlp(first, key: "one") + "\noverload: { max_in_flight: 7 }"))
        #expect(try gateway.running.reload("test").faults == [])
        #expect(gateway.process.telemetry.current.collectors === before.collectors, "the same are kept")
        await gateway.process.drain()
        await first.stop()
        await second.stop()
    }

    @Test("limits of bodies, origins, the request log's size and the number of series")
    func settings() async throws {
        let origin: HTTPFields = [.origin: "http://app.example"]
        let large =
            #"{"model":"mock/m","messages":[{"role":"user","content":"\#(String(repeating: "x", count: 5_000))"}]}"#
        func file(_ limit: String, _ cors: String, size: Int, series: Int) -> String {
            Self.file(
                listen: ", body_limit: \(limit), cors: \(cors)",
                "telemetry: { requests: { size: \(size) }, metrics: { max_series: \(series) } }")
        }
        try await Self.listening(file("1KiB", "false", size: 2, series: 1)) { gateway, port in
            #expect(try await Self.ask(port, body: large).status == 413)
            #expect(try await Self.ask(port, origin).headers[.accessControlAllowOrigin] == nil)
            func model(_ name: String) -> String {
                #"{"model":"mock/\#(name)","messages":[{"role":"user","content":""}]}"#
            }
            for name in ["one", "two", "three"] { #expect(try await Self.ask(port, body: model(name)).status == 200) }
            func metrics() -> String { String(buffer: gateway.process.telemetry.metrics(accept: nil).body) }
            func sent(_ model: String) -> String { #"provider_request_total{provider="mock",model="\#(model)"}"# }
            #expect(metrics().contains(sent("other") + " 3\n") && !metrics().contains(sent("two")))
            #expect(gateway.process.telemetry.recent.newest(10).entries.count == 2)
            try gateway.write(file("1MiB", "{ origins: [\"http://app.example\"] }", size: 5, series: 100))
            let attempt = try gateway.running.reload("test")
            #expect(attempt.faults == [] && attempt.restartNeeded == [])
            #expect(try await Self.ask(port, body: large).status == 200)
            let allowed = try await Self.ask(port, origin).headers[.accessControlAllowOrigin]
            #expect(allowed == "http://app.example")
            #expect(try await Self.ask(port, body: model("two")).status == 200)
            #expect(metrics().contains(sent("other") + " 3\n") && metrics().contains(sent("two") + " 1\n"))
            #expect(gateway.process.telemetry.recent.newest(10).entries.count == 5)
        }
    }
}
