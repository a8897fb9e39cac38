import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Ollama and Cohere as upstreams")
struct OllamaProviderTests {
    private static let lines =
        #"{"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":"Hi"},"done":false}"#
        + "\n"
        + #"{"model":"m","created_at":"2026-01-02T03:04:05Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}"#
        + "\n"

    private static func stream(_ text: String, splitEvery size: Int = .max) -> TransportResponse {
        TransportResponse(
            status: 200, headers: [.contentType: "application/x-ndjson"],
            body: TransportBody(ScriptedBody(ByteBuffer(string: text).split(every: size))))
    }

    private static let request = #"{"model":"m","messages":[{"role":"user","content":"x"}]}"#

    @Test("Lines go through as they are, however they are cut", arguments: [1, 7, 100, .max])
    func passthrough(_ size: Int) async throws {
        let bench = Bench(.ollama, options: .init(basePath: "")) { _ in Self.stream(Self.lines, splitEvery: size) }
        let reply = try await bench.ask(Self.request, .ollamaChat)
        let (text, failure) = try await collect(reply)
        #expect(text == Self.lines && failure == nil)
        #expect(try bench.sent.path == "/api/chat")
        #expect(String(buffer: try bench.sent.body) == Self.request)
    }

    @Test("A last line without its end gets one, and no blank line after it")
    func unended() async throws {
        let bench = Bench(.ollama, options: .init(basePath: "")) { _ in Self.stream(String(Self.lines.dropLast())) }
        let (text, failure) = try await collect(try await bench.ask(Self.request, .ollamaChat))
        #expect(text == Self.lines && failure == nil)
    }

    @Test("An error in the first line reaches nobody, one in a later line ends the stream")
    func errors() async throws {
        let first = Bench(.ollama, options: .init(basePath: "")) { _ in Self.stream("{\"error\":\"it broke\"}\n") }
        let error = await #expect(throws: NeedletailError.self) { try await first.ask(Self.request, .ollamaChat) }
        #expect(error?.code == .upstreamFailed && error?.provider == "up")
        let lines = Self.lines.split(separator: "\n").map { String($0) + "\n" }
        let later = Bench(.ollama, options: .init(basePath: "")) { _ in
            Self.stream(lines[0] + "{\"error\":\"it broke\"}\n")
        }
        let (text, failure) = try await collect(try await later.ask(Self.request, .ollamaChat))
        #expect(text == lines[0] && failure?.code == .upstreamFailed)
        let cut = Bench(.ollama, options: .init(basePath: "")) { _ in
            Self.stream(lines[0] + String(lines[1].prefix(20)))
        }
        let (before, end) = try await collect(try await cut.ask(Self.request, .ollamaChat))
        #expect(before == lines[0] && end?.code == .unreachable)
    }

    @Test("Each dialect has its own path")
    func paths() async throws {
        let whole = #"{"model":"m","created_at":"2026-01-02T03:04:05Z","response":"Hi","done":true}"#
        let bench = Bench(.ollama, options: .init(basePath: "")) { _ in json(whole) }
        _ = try await bench.ask(#"{"model":"m","prompt":"x","stream":false}"#, .ollamaGenerate)
        #expect(try bench.sent.path == "/api/generate")
        _ = try? await bench.ask(#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, .openAIChat)
        #expect(try bench.sent.path == "/v1/chat/completions")
        _ = try? await bench.ask(
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":5}"#, .anthropicMessages)
        #expect(try bench.sent.path == "/api/chat")
        _ = try? await bench.ask(#"{"model":"m","prompt":"x"}"#, .openAICompletions)
        #expect(try bench.sent.path == "/v1/completions")
    }

    @Test("What a completion alone can ask is refused before anything is sent")
    func completionFields() async throws {
        let bench = Bench(.anthropic) { _ in json("{}") }
        for body in [#"{"model":"m","prompt":"x","suffix":"y"}"#, #"{"model":"m","prompt":"x","raw":true}"#] {
            let error = await #expect(throws: NeedletailError.self) { try await bench.ask(body, .ollamaGenerate) }
            #expect(error?.code == .unsupported)
        }
        #expect(bench.transport.requests.isEmpty)
    }

    @Test(
        "Lists of models are read in each form",
        arguments: [
            (
                #"{"models":[{"name":"a:latest","model":"a:latest"},{"name":"hf.co/o/b:q4","model":"hf.co/o/b:q4"}]}"#,
                ProviderSpec.ollama, "/api/tags", ["a:latest", "hf.co/o/b:q4"]
            ),
            (
                #"{"models":[{"name":"c","endpoints":["chat","generate"]},{"name":"e","endpoints":["embed"]}]}"#,
                ProviderSpec.cohere, "/v1/models?page_size=1000", ["c"]
            ),
        ])
    func models(_ body: String, _ spec: ProviderSpec, _ path: String, _ names: [String]) async throws {
        let bench = Bench(spec, options: .init(basePath: "", keys: [("k", 1)])) { _ in json(body) }
        #expect(try await bench.provider.listModels(deadline: nil)?.map(\.id) == names)
        #expect(try bench.sent.path == path)
        #expect(try bench.sent.headers[.authorization] == "Bearer k")
    }

    @Test("A new name for the limit is not for legacy completions")
    func limitName() async throws {
        let bench = Bench(.openAI, options: .init(keys: [("k", 1)], dialect: .openAICompletions)) { _ in
            json(#"{"id":"r","choices":[{"text":"a","index":0,"finish_reason":"stop"}]}"#)
        }
        _ = try await bench.ask(
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"max_completion_tokens":5}"#, .openAIChat)
        #expect(String(buffer: try bench.sent.body) == #"{"model":"m","prompt":"x","max_tokens":5}"#)
    }
}
