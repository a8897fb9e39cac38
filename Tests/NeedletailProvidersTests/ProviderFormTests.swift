import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// Where requests of each type go, and how they differ on the way.
@Suite("Forms of providers")
struct ProviderFormTests {
    private static let chat = #"{"model":"my gpt/1","messages":[{"role":"user","content":"hi"}]}"#
    private static let okReply =
        #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#
    private static let okMessage =
        #"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#

    @Test(
        "Azure's paths name the deployment, or the version where that is the form",
        arguments: [
            ("", [:], "/openai/deployments/my%20gpt%2F1/chat/completions?api-version=2024-10-21"),
            ("/", ["api_version": "x"], "/openai/deployments/my%20gpt%2F1/chat/completions?api-version=x"),
            ("/openai", [:], "/openai/deployments/my%20gpt%2F1/chat/completions?api-version=2024-10-21"),
            ("/proxy", [:], "/proxy/openai/deployments/my%20gpt%2F1/chat/completions?api-version=2024-10-21"),
            ("", ["api_version": "v1"], "/openai/v1/chat/completions"),
            ("/openai/v1/", [:], "/openai/v1/chat/completions"),
            ("", ["api_version": "preview"], "/openai/v1/chat/completions?api-version=preview"),
        ] as [(String, [String: String], String)])
    func azure(base: String, settings: [String: String], path: String) async throws {
        let bench = Bench(.azure, options: .init(basePath: base, keys: [("k", 1)], settings: settings)) { _ in
            json(Self.okReply)
        }
        _ = try await bench.ask(Self.chat)
        #expect(try bench.sent.path == path)
        #expect(try bench.sent.headers[.apiKey] == "k" && bench.sent.headers[.authorization] == nil)
    }

    @Test(
        "Azure asks Claude in its own dialect, below its own path and with its own header",
        arguments: ["", "/openai/v1"])
    func azureClaude(base: String) async throws {
        let bench = Bench(.azure, options: .init(basePath: base, keys: [("k", 1)])) { _ in json(Self.okMessage) }
        _ = try await bench.ask(Self.chat.replacing("my gpt/1", with: "claude-x"))
        #expect(try bench.sent.path == "/anthropic/v1/messages")
        #expect(try bench.sent.headers[.xAPIKey] == "k" && bench.sent.headers[.apiKey] == nil)
        #expect(try bench.sent.headers[.anthropicVersion] == "2023-06-01")
    }

    private static let place = ["project": "p", "location": "us-east5"]

    @Test("Vertex has Claude's model in the path and a version in the body, for its own clients and others")
    func vertexClaude() async throws {
        let bench = Bench(.vertex, options: .init(basePath: "", settings: Self.place)) { _ in json(Self.okMessage) }
        let own = #"{"model":"claude-a@1","max_tokens":9,"zz":1.50,"messages":[{"role":"user","content":"hi"}]}"#
        _ = try await bench.ask(own, .anthropicMessages)
        #expect(
            try bench.sent.path
                == "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-a%401:rawPredict")
        #expect(
            String(buffer: try bench.sent.body)
                == #"{"max_tokens":9,"zz":1.50,"messages":[{"role":"user","content":"hi"}],"anthropic_version":"vertex-2023-10-16"}"#
        )
        _ = try await bench.ask(own.replacing(#""zz":1.50"#, with: #""anthropic_version":"x""#), .anthropicMessages)
        #expect(String(buffer: try bench.sent.body).contains(#""anthropic_version":"x""#))
        #expect(!String(buffer: try bench.sent.body).contains("vertex-2023"))
        _ = try await bench.ask(Self.chat.replacing("my gpt/1", with: "claude-a"))
        let body = try JSONDocument(try bench.sent.body).root
        #expect(body["model"] == nil && body["anthropic_version"]?.string == "vertex-2023-10-16")
    }

    @Test("Vertex streams at another path, counts at a third, and asks open models in OpenAI's dialect")
    func vertexPaths() async throws {
        let bench = Bench(.vertex, options: .init(basePath: "/v1", settings: Self.place)) { _ in
            json(#"{"error":{"message":"no"}}"#, status: 400)
        }
        let body = #"{"model":"claude-a","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#
        await #expect(throws: NeedletailError.self) { try await bench.ask(body, .anthropicMessages) }
        #expect(try bench.sent.path.hasSuffix("/publishers/anthropic/models/claude-a:streamRawPredict"))
        let count = try RequestPeek.read(ByteBuffer(string: body), dialect: .anthropicMessages, operation: .countTokens)
        await #expect(throws: NeedletailError.self) {
            try await bench.provider.respond(to: count, context: .testing())
        }
        #expect(try bench.sent.path.hasSuffix("/publishers/anthropic/models/count-tokens:rawPredict"))
        #expect(String(buffer: try bench.sent.body).contains(#""model":"claude-a""#))
        await #expect(throws: NeedletailError.self) {
            try await bench.ask(Self.chat.replacing("my gpt/1", with: "meta/llama-x"))
        }
        #expect(try bench.sent.path == "/v1/projects/p/locations/us-east5/endpoints/openapi/chat/completions")
    }

    @Test("Vertex asks Gemini's models in their own dialect, and streams as events")
    func vertexGemini() async throws {
        let bench = Bench(.vertex, options: .init(basePath: "", settings: Self.place)) { _ in
            json(#"{"error":{"message":"no"}}"#, status: 400)
        }
        for isStreaming in [false, true] {
            await #expect(throws: NeedletailError.self) {
                try await bench.ask(
                    #"{"model":"gemini-x","stream":\#(isStreaming),"messages":[{"role":"user","content":"hi"}]}"#)
            }
            let method = isStreaming ? "streamGenerateContent?alt=sse" : "generateContent"
            #expect(
                try bench.sent.path == "/v1/projects/p/locations/us-east5/publishers/google/models/gemini-x:\(method)")
        }
    }

    @Test("Vertex counts what stands at the top of a request")
    func vertexCounts() async throws {
        let bench = Bench(.vertex, options: .init(basePath: "", settings: Self.place)) { _ in
            json(#"{"totalTokens":3}"#)
        }
        let contents = #""contents":[{"role":"user","parts":[{"text":"hi"}]}]"#
        for (dialect, body) in [
            (DialectID.gemini, #"{"generateContentRequest":{"model":"models/g",\#(contents)}}"#),
            (.gemini, "{\(contents)}"),
            (.anthropicMessages, #"{"model":"gemini-x","messages":[{"role":"user","content":"hi"}]}"#),
        ] {
            var request = try RequestPeek.read(
                ByteBuffer(string: body), dialect: dialect, operation: .countTokens,
                model: dialect == .gemini ? "gemini-x" : nil)
            request.model = "gemini-x"
            _ = try await bench.provider.respond(to: request, context: .testing())
            #expect(try bench.sent.path.hasSuffix("/publishers/google/models/gemini-x:countTokens"))
            #expect(String(buffer: try bench.sent.body) == "{\(contents)}", "\(dialect)")
        }
    }

    @Test(
        "Azure has responses in both of its forms",
        arguments: [
            ([:], "/openai/responses?api-version=2024-10-21"), (["api_version": "v1"], "/openai/v1/responses"),
            (["api_version": "preview"], "/openai/v1/responses?api-version=preview"),
        ] as [([String: String], String)])
    func azureResponses(settings: [String: String], path: String) async throws {
        let bench = Bench(.azure, options: .init(basePath: "", keys: [("k", 1)], settings: settings)) { _ in
            json(#"{"error":{"message":"no"}}"#, status: 400)
        }
        await #expect(throws: NeedletailError.self) {
            try await bench.ask(#"{"model":"gpt","input":"hi"}"#, .openAIResponses)
        }
        #expect(try bench.sent.path == path && bench.sent.headers[.apiKey] == "k")
    }

    @Test(
        "Vertex is where the location is",
        arguments: [
            ([:], "https://aiplatform.googleapis.com"),
            (["location": "us-east5"], "https://us-east5-aiplatform.googleapis.com"),
            (["location": "eu"], "https://aiplatform.eu.rep.googleapis.com"),
        ] as [([String: String], String)])
    func vertexHosts(settings: [String: String], url: String) {
        #expect(ProviderSpec.vertex.resolved(settings).baseURL == url)
    }

    @Test(
        "a bare host gets the type's path, and a path of the operator's stays",
        arguments: [
            (.databricks, "", "/serving-endpoints/chat/completions"),
            (.databricks, "/serving-endpoints/", "/serving-endpoints/chat/completions"),
            (.snowflake, "", "/api/v2/cortex/v1/chat/completions"),
            (.snowflake, "/api/v2/cortex/v1", "/api/v2/cortex/v1/chat/completions"),
            (.cloudflare, "", "/client/v4/accounts/a1/ai/v1/chat/completions"),
            (.cloudflare, "/client/v4/accounts/b2/ai/v1", "/client/v4/accounts/b2/ai/v1/chat/completions"),
            (.zAI, "/api/paas/v4", "/api/paas/v4/chat/completions"), (.perplexity, "", "/chat/completions"),
            (.gitHubModels, "", "/inference/chat/completions"),
            (.groq, "/openai/v1", "/openai/v1/chat/completions"), (.ai21, "/studio/v1", "/studio/v1/chat/completions"),
        ] as [(ProviderSpec, String, String)])
    func paths(spec: ProviderSpec, base: String, path: String) async throws {
        let options = HTTPProvider.Options(basePath: base, settings: ["account_id": "a1"])
        let bench = Bench(spec, options: options) { _ in json(Self.okReply) }
        _ = try await bench.ask(Self.chat)
        #expect(try bench.sent.path == path)
    }

    @Test("Mistral gets the members that it knows, under its names; the rest is reported as lost")
    func mistral() async throws {
        let bench = Bench(.mistral) { _ in json(Self.okReply) }
        var model = ChatRequest(model: "m", messages: [.user("hi")])
        model.seed = JSONText(7)
        model.endUser = "u"
        model.maxOutputTokens = 9
        let request = InferenceRequest(
            operation: .chat, model: "m", body: .model(model), replyDialect: .openAIChat)
        let reply = try await bench.provider.respond(to: request, context: .testing())
        let body = try JSONDocument(try bench.sent.body).root
        #expect(body["random_seed"]?.int == 7 && body["seed"] == nil && body["user"] == nil)
        #expect(body["max_tokens"]?.int == 9)
        #expect(reply.losses.contains { $0.field == "user" })
    }

    @Test("Mistral gets no stream options, not even a client's own; usage comes unasked")
    func mistralStream() async throws {
        let stream = """
            data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

            data: [DONE]


            """
        let bench = Bench(.mistral) { _ in sse(stream) }
        let own =
            #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#
        let reply = try await bench.ask(own)
        #expect(String(buffer: try bench.sent.body) == own.replacing(#"{"include_usage":true}"#, with: "null"))
        #expect(try await collect(reply).text == stream)
    }

    @Test("a type without a list of models is not asked for one")
    func noList() async throws {
        let bench = Bench(.perplexity) { _ in json("{}") }
        #expect(try await bench.provider.listModels(deadline: nil) == nil)
        #expect(bench.transport.requests.isEmpty)
    }
}
