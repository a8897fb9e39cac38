import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

/// A start without a file finds a server on this machine, and only then speaks of it.
@Suite("Servers on this machine")
struct LocalProvidersTests {
    private static let group = MultiThreadedEventLoopGroup.singleton
    private static let list = #"{"object":"list","data":[{"id":"org/local-model","object":"model","created":1}]}"#

    /// Keeps what is logged.
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private struct Recorder: LogHandler {
        let lines: Lines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            self.lines.all.withLock { $0.append("\(event.level): \(event.message)") }
        }
    }

    /// A clock that stands still: the look's limit of a second is not what is tested, and a busy machine takes longer.
    private static let standing = TimeSource(
        now: { Instant(nanoseconds: 1_000_000_000) },
        wallSeconds: { 1_700_000_000 },
        sleep: { _ throws(CancellationError) in
            do { try await Task.sleep(for: .seconds(86_400)) } catch { throw CancellationError() }
        })

    private static func stack(
        port: Int,
        lines: Lines,
        environment: [String: String] = [:],
        text: String? = nil
    ) throws -> GatewayStack {
        var spec = ProviderSpec.vLLM
        spec.baseURL = "http://127.0.0.1:\(port)/v1"
        let configuration =
            if let text { try Fixture.load(text, environment: environment) } else {
                try Fixture.loader(environment).load()
            }
        return try GatewayStack(
            configuration, environment: environment, group: Self.group, time: Self.standing, random: .seeded(1),
            logger: Logger(label: "test", factory: { _ in Recorder(lines: lines) }), localSpecs: [spec, .openAI])
    }

    @Test("one that answers is listed and used, and the mock steps back")
    func found() async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in .init(type: "application/json", Self.list) }
        let lines = Lines()
        let stack = try Self.stack(port: server.port, lines: lines)
        let before = try stack.directory.destination(of: "org/local-model", allowed: nil)
        #expect(before.provider.id == "mock")
        #expect(throws: Never.self) { try stack.directory.destination(of: "anything", allowed: nil) }
        await stack.monitor.checkAll()
        let after = try stack.directory.destination(of: "org/local-model", allowed: nil)
        #expect(after.provider.id == "vllm")
        #expect(after.model == "org/local-model")
        #expect(stack.directory.models(allowed: nil).map(\.id).contains("vllm/org/local-model"))
        #expect(throws: NeedletailError.self) { try stack.directory.destination(of: "anything", allowed: nil) }
        #expect(stack.health().providers.map(\.name).contains("vllm"))
        #expect(lines.all.withLock { $0 } == ["info: A provider was found."])
        // Once it was there, its failing is worth a word, and the mock still does not answer in its place.
        await server.stop()
        await stack.shutdown()
    }

    @Test("one that is not there, is something else or has no model is not spoken of", arguments: 0..<4)
    func absent(_ kind: Int) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in
            switch kind {
            case 1: .init(type: "text/html", "<html>my application</html>")
            case 2: .init(status: 404, type: "text/plain", "no")
            default: .init(type: "application/json", #"{"data":[]}"#)
            }
        }
        if kind == 0 { await server.stop() }
        let lines = Lines()
        let stack = try Self.stack(port: server.port, lines: lines)
        await stack.monitor.checkAll()
        await stack.monitor.checkAll()
        #expect(lines.all.withLock { $0 } == [])
        #expect(!stack.health().providers.map(\.name).contains("vllm"))
        #expect(stack.health().status == "healthy")
        #expect(try stack.directory.destination(of: "vllm/x", allowed: nil).provider.id == "mock")
        await server.stop()
        await stack.shutdown()
    }

    @Test("nothing is looked for beside a file, a configured one, or the gateway itself")
    func notLookedFor() throws {
        let port = 8123
        var spec = ProviderSpec.vLLM
        spec.baseURL = "http://127.0.0.1:\(port)/v1"
        func names(_ configuration: Configuration) -> [String] {
            LocalProviders.candidates(configuration, environment: [:], among: [spec, .openAI, .anthropic]).map(\.name)
        }
        #expect(names(try Fixture.loader([:]).load()) == ["vllm"])
        #expect(names(try Fixture.load("providers: { m: { type: mock } }")) == [])
        #expect(names(try Fixture.loader(["VLLM_BASE_URL": "http://gpu:8000"]).load()) == [])
        let own = try Fixture.loader([:]).load(overrides: .init(api: "127.0.0.1:\(port)"))
        #expect(names(own) == [])
    }

    @Test("the catalogue has one to look for")
    func catalogue() throws {
        let candidates = LocalProviders.candidates(
            try Fixture.loader([:]).load(), environment: ["VLLM_API_KEY": "k"], among: ProviderSpec.all)
        #expect(candidates.map(\.name) == ["ollama", "vllm", "llamacpp", "lmstudio", "sglang", "tgi"])
        #expect(candidates.first { $0.name == "vllm" }?.apiKeys.map(\.secret.exposed) == ["k"])
    }

    @Test(
        "a server is looked for where it was told to listen",
        arguments: [
            ("", "http://127.0.0.1:11434"), ("0.0.0.0", "http://127.0.0.1:11434"),
            ("127.0.0.1:9999", "http://127.0.0.1:9999"), (":9999", "http://127.0.0.1:9999"),
            ("http://gpu.local:1", "http://gpu.local:1"), ("gpu.local", "http://gpu.local:11434"),
            ("no host at all", "http://127.0.0.1:11434"),
        ])
    func hostVariable(_ text: String, _ url: String) throws {
        let candidates = LocalProviders.candidates(
            try Fixture.loader([:]).load(), environment: ["OLLAMA_HOST": text], among: [.ollama])
        #expect(candidates.map { $0.baseURL?.description } == [url])
    }
}
