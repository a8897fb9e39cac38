import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailTesting
import NeedletailTransport
import Synchronization
import Testing

@testable import NeedletailControl

/// Runs a gateway with marked secrets through what it can do, and looks for them wherever somebody may read.
@Suite("Secrets: a whole gateway shows none", .timeLimit(.minutes(5)))
struct MarkerSecretTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        func add(_ line: String) { self.all.withLock { $0.append(line) } }
    }

    /// Keeps everything that is logged, at every level.
    private struct Recorder: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            self.lines.add("log: \(event.level): \(event.message) \(event.metadata ?? [:]) \(self.metadata)")
        }
    }

    /// Asks a listener and keeps the answer.
    private struct Client {
        let pool: UpstreamPool
        let lines: Lines

        init(_ port: Int, _ lines: Lines) throws {
            self.pool = try UpstreamPool(
                origin: Origin(scheme: .http, host: "127.0.0.1", port: port), options: TransportOptions(),
                group: MultiThreadedEventLoopGroup.singleton, time: .live,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            self.lines = lines
        }

        @discardableResult
        func ask(
            _ method: HTTPRequest.Method, _ path: String, _ body: String = "", key: String? = nil, isKept: Bool = true
        ) async throws -> (status: Int, text: String) {
            var headers: HTTPFields = [.contentType: "application/json"]
            if let key { headers[.authorization] = "Bearer \(key)" }
            let response = try await self.pool.send(
                TransportRequest(
                    method: method, path: path, headers: headers, body: ByteBuffer(string: body), timeouts: Timeouts()))
            let text = String(buffer: try await response.body.collect(upTo: 16 << 20))
            let shown = "\(response.headers.map { "\($0.name): \($0.value)" }) \(text)"
            if isKept { self.lines.add("\(method) \(path.prefix { $0 != "?" }): \(response.status) \(shown)") }
            return (response.status, text)
        }
    }

    private static let marker = "MARK-"
    private static let prompt = "MARK-prompt"

    @Test("no marker in logs, metrics, traces, errors, dumps, the store and the admin API's answers")
    func whole() async throws {
        let lines = Lines()
        // Repeats the key it was sent, as providers do: what they say of it must not reach anybody.
        let upstream = try await LoopbackServer(on: .singletonMultiThreadedEventLoopGroup) { request in
            let key = request.split(separator: "\r\n").first { $0.lowercased().hasPrefix("authorization:") } ?? ""
            if request.contains("MARK-vault") || request.hasPrefix("GET ") {
                return .init(
                    type: "application/json",
                    #"{"id":"c","data":[{"id":"m"}],"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#
                )
            }
            return .init(
                status: 401, type: "application/json",
                #"{"error":{"message":"Incorrect API key provided: \#(key)","type":"invalid_request_error"}}"#)
        }
        let collector = try await LoopbackServer(on: .singletonMultiThreadedEventLoopGroup) { _ in
            .init(type: "application/json", "{}")
        }
        let fixture = try VaultFixture()
        try fixture.vault().set("main", Secret("MARK-vault"))
        let file = """
            listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0" }
            providers:
              main: { type: openai-compatible, base_url: "\(upstream.url)/v1", api_key: { vault: main }, headers: { X-Extra: { env: HEADER } } }
              bad: { type: openai-compatible, base_url: "\(upstream.url)/v1", api_key: { env: BAD } }
            keys: [ { name: dev, key: { env: CLIENT }, tenant: blue, budget: { limit: 5.00 } } ]
            prices: { unknown: allow }
            cache: true
            admin: { key: { env: ADMIN } }
            telemetry: { otlp: { endpoint: "\(collector.url)" } }
            """
        let environment = [
            "NEEDLETAIL_MASTER_KEY": VaultFixture.first, "HEADER": "MARK-header", "BAD": "MARK-bad",
            "CLIENT": "MARK-client-0123456789", "ADMIN": "MARK-admin-0123456789",
        ]
        let path = try fixture.folder.write("needletail.yaml", file)
        let configuration = try ConfigurationLoader(types: .version, environment: environment).load(file: path)
        let process = try GatewayProcess(
            configuration,
            .init(
                environment: environment, group: .singleton,
                logger: Logger(label: "test") { _ in Recorder(lines: lines) }))
        let addresses = try await process.start()
        let api = try Client(addresses.api.port ?? 0, lines)
        let admin = try Client(addresses.admin.port ?? 0, lines)
        try await Self.asClient(api)
        try await Self.asAdministrator(admin, process)
        // For as long as it takes, which a drain does not.
        await process.telemetry.export.flush()
        await process.drain()
        await api.pool.shutdown()
        await admin.pool.shutdown()
        await upstream.stop()
        await collector.stop()
        var dumped = ""
        dump(configuration, to: &dumped)
        lines.add("dump: \(dumped) \(configuration) \(String(reflecting: configuration))")
        for request in collector.requests { lines.add("traces: \(request)") }
        let store = try fixture.bytes()
        lines.add("store: \(String(decoding: store, as: UTF8.self))")
        let all = lines.all.withLock { $0 }
        #expect(all.contains { $0.hasPrefix("log: ") } && collector.requests.count > 0)
        #expect(all.contains { $0.hasPrefix("GET /metrics: 200") })
        for line in all {
            guard let found = line.range(of: Self.marker) else { continue }
            let from = line.index(found.lowerBound, offsetBy: -200, limitedBy: line.startIndex) ?? line.startIndex
            let to = line.index(found.lowerBound, offsetBy: 60, limitedBy: line.endIndex) ?? line.endIndex
            Issue.record("\(line.prefix(80)) … \(line[from..<to])")
        }
    }

    private static func asClient(_ api: Client) async throws {
        let key = "MARK-client-0123456789"
        func body(_ model: String, _ more: String = "") -> String {
            #"{"model":"\#(model)","messages":[{"role":"user","content":"\#(Self.prompt)"}]\#(more)}"#
        }
        #expect(try await api.ask(.post, "/v1/chat/completions", body("main/m"), key: key).status == 200)
        #expect(try await api.ask(.post, "/v1/chat/completions", body("main/m"), key: key).status == 200)
        try await api.ask(.post, "/v1/chat/completions", body("main/m", #","stream":true"#), key: key)
        #expect(try await api.ask(.post, "/v1/chat/completions", body("bad/m"), key: key).status == 500)
        try await api.ask(.post, "/v1/messages", body("bad/m", #","max_tokens":5"#), key: key)
        try await api.ask(.post, "/v1/chat/completions", body("unknown"), key: key)
        try await api.ask(
            .post, "/v1/chat/completions", "{\"model\":\"main/m\",\"messages\":\"\(Self.prompt)\"}", key: key)
        try await api.ask(.post, "/v1/chat/completions", "{\(Self.prompt)", key: key)
        #expect(try await api.ask(.post, "/v1/chat/completions", body("main/m"), key: "MARK-wrong").status == 401)
        #expect(try await api.ask(.post, "/v1beta/models/m:generateContent?key=MARK-query", body("m")).status == 401)
        try await api.ask(.get, "/v1/models", key: key)
    }

    private static func asAdministrator(_ admin: Client, _ process: GatewayProcess) async throws {
        let key = "MARK-admin-0123456789"
        #expect(try await admin.ask(.get, "/admin/v1/whoami", key: "MARK-wrong").status == 401)
        #expect(
            try await admin.ask(
                .put, "/admin/v1/vault/second", #"{"value":"MARK-second"}"#, key: key
            ).status == 200)
        #expect(
            try await admin.ask(
                .put, "/admin/v1/providers/third",
                #"{"type":"openai-compatible","base_url":"http://127.0.0.1:9/v1","api_key":"MARK-third"}"#, key: key
            ).status == 200)
        try await admin.ask(.put, "/admin/v1/providers/fourth", #"{"type":"opnai","api_key":"MARK-fourth"}"#, key: key)
        let check =
            "providers: { a: { type: openai, api_key: MARK-fifth } }\\nkeys: [ { name: a, key: MARK-sixth, x: 1 } ]"
        try await admin.ask(.post, "/admin/v1/config/check", #"{"text":"\#(check)"}"#, key: key)
        // The one answer that shows a key, once; the key is not seen again.
        let made = try await admin.ask(.post, "/admin/v1/keys", #"{"name":"made"}"#, key: key, isKept: false)
        let secret = try #require(try JSONDocument(JSONText(made.text).bytes).root["key"]?.string)
        try await admin.ask(.post, "/admin/v1/config/reload", key: key)
        for route in process.rooms.flatMap(\.routes) where route.method == .GET {
            // A stream without an end; what it tells of requests `/requests` tells too.
            if route.path.description == "/requests/tail" { continue }
            let path = route.path.description.replacing(/\{[a-z]+\}/, with: "main")
            try await admin.ask(.get, AdminRoute.root + path, key: key)
        }
        for path in ["/metrics", "/health/detailed", "/health/providers", "/health/metrics", "/"] {
            try await admin.ask(.get, path, key: key)
        }
        let all = admin.lines.all.withLock { $0 }
        #expect(!all.contains { $0.contains(secret) })
    }
}
