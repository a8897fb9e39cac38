import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("What is no conversation")
struct OperationsTests {
    private static func provider(_ dialects: [DialectID]) -> ProviderSpec {
        ProviderSpec(type: "test", dialects: dialects, baseURL: nil, auth: .bearer)
    }

    private static func ask(
        _ bench: Bench, _ body: String, _ dialect: DialectID, _ operation: NeedletailCore.Operation,
        strict: Bool = false
    ) async throws -> InferenceReply {
        var request = try RequestPeek.read(
            ByteBuffer(string: body), dialect: dialect, operation: operation,
            model: dialect == .gemini ? "group/m" : nil)
        request.model = "m"
        return try await bench.provider.respond(to: request, context: .testing(isStrict: strict))
    }

    private static func text(_ reply: InferenceReply) throws -> String {
        guard case .complete(let body, _) = reply.body else { throw NeedletailError(.internalFailure, "a stream") }
        return String(buffer: body.bytes)
    }

    /// One client's request for two texts, and what it must read.
    struct Client: CustomTestStringConvertible, Sendable {
        var dialect: DialectID
        var body: String
        var wanted: String
        var testDescription: String { self.dialect.rawValue }

        static let all = [
            Client(
                dialect: .openAIChat, body: #"{"model":"x/m","input":["one","two"]}"#,
                wanted: #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},"#
                    + #"{"object":"embedding","index":1,"embedding":[0.25,2]}],"model":"m","usage":"#),
            Client(
                dialect: .openAIChat, body: #"{"model":"x/m","input":["one","two"],"encoding_format":"base64"}"#,
                // 0.5, -1.0 and 0.25, 2.0 as little-endian floats
                wanted: #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAgL8="},"#
                    + #"{"object":"embedding","index":1,"embedding":"AACAPgAAAEA="}],"model":"m","usage":"#),
            Client(
                dialect: .gemini,
                body: #"{"requests":[{"model":"models/group/m","content":{"parts":[{"text":"one"}]}},"#
                    + #"{"model":"models/group/m","content":{"parts":[{"text":"t"},{"text":"wo"}]}}]}"#,
                wanted: #"{"embeddings":[{"values":[0.5,-1]},{"values":[0.25,2]}]"#),
            Client(
                dialect: .ollamaChat, body: #"{"model":"x/m","input":["one","two"]}"#,
                wanted: #"{"model":"m","embeddings":[[0.5,-1],[0.25,2]]"#),
            Client(
                dialect: .cohereChat,
                body: #"{"model":"x/m","texts":["one","two"],"input_type":"search_query","embedding_types":["float"]}"#,
                wanted: #"{"id":"","embeddings":{"float":[[0.5,-1],[0.25,2]]},"texts":["one","two"]"#),
        ]
    }

    /// What an upstream answers to two texts.
    private static let answers: [DialectID: String] = [
        .openAIChat: #"{"object":"list","data":[{"index":1,"embedding":[0.25,2]},{"index":0,"embedding":[0.5,-1]}],"#
            + #""model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}"#,
        .gemini: #"{"embeddings":[{"values":[0.5,-1]},{"values":[0.25,2]}],"usageMetadata":{"promptTokenCount":7}}"#,
        .ollamaChat: #"{"model":"m","embeddings":[[0.5,-1],[0.25,2]],"prompt_eval_count":7}"#,
        .cohereChat:
            #"{"id":"i","embeddings":{"float":[[0.5,-1],[0.25,2]]},"meta":{"billed_units":{"input_tokens":7}}}"#,
    ]

    @Test(
        "vectors come from every upstream to every client", arguments: Client.all,
        [
            DialectID.openAIChat, .gemini, .ollamaChat, .cohereChat,
        ])
    func embeddings(client: Client, upstream: DialectID) async throws {
        let answer = try #require(Self.answers[upstream])
        let bench = Bench(Self.provider([upstream])) { (_) in json(answer) }
        let reply = try await Self.ask(bench, client.body, client.dialect, .embeddings)
        guard case .complete(let body, let usage) = reply.body else { throw NeedletailError(.internalFailure, "") }
        #expect(usage?.inputTokens == 7)
        #expect(body.dialect == client.dialect)
        let sent = try String(buffer: bench.sent.body)
        if upstream == client.dialect {
            #expect(String(buffer: body.bytes) == answer)
            #expect(sent == client.body.replacing("x/m", with: "m").replacing("models/group/m", with: "models/m"))
        } else {
            #expect(String(buffer: body.bytes).hasPrefix(client.wanted))
            #expect(sent.contains("one") && sent.contains("two"))
        }
    }

    @Test("more inputs than a server takes are sent in parts and joined in order")
    func batches() async throws {
        let bench = Bench(Self.provider([.cohereChat])) { request in
            let texts = (try? JSONDocument(request.body))?.root["texts"].map { Array($0.elements) } ?? []
            let vectors = texts.map { "[\($0.string ?? "")]" }.joined(separator: ",")
            return json(
                #"{"embeddings":{"float":[\#(vectors)]},"meta":{"billed_units":{"input_tokens":\#(texts.count)}}}"#)
        }
        let inputs = (0..<200).map { "\"\($0)\"" }.joined(separator: ",")
        let reply = try await Self.ask(bench, #"{"model":"m","input":[\#(inputs)]}"#, .openAIChat, .embeddings)
        #expect(bench.transport.requests.count == 3)
        guard case .complete(let body, let usage) = reply.body else { throw NeedletailError(.internalFailure, "") }
        #expect(usage?.inputTokens == 200)
        let data = try JSONDocument(body.bytes).root["data"].map { Array($0.elements) } ?? []
        #expect(data.map { $0["embedding"]?.elements.first { _ in true }?.int } == (0..<200).map { $0 })
    }

    @Test("a vector too few is no answer")
    func missingVector() async throws {
        let bench = Bench(Self.provider([.ollamaChat])) { (_) in json(#"{"embeddings":[[1]]}"#) }
        let error = await #expect(throws: NeedletailError.self) {
            try await Self.ask(bench, #"{"model":"m","input":["a","b"]}"#, .openAIChat, .embeddings)
        }
        #expect(error?.code == .malformedReply)
    }

    @Test("what an upstream cannot be told is named, and refused if the request is strict")
    func losses() async throws {
        let bench = Bench(Self.provider([.ollamaChat])) { (_) in json(#"{"embeddings":[[1]]}"#) }
        let body = #"{"model":"m","input":"a","user":"u","brand_new":1}"#
        let reply = try await Self.ask(bench, body, .openAIChat, .embeddings)
        #expect(Set(reply.losses.map(\.field)) == ["user", "brand_new"])
        let error = await #expect(throws: NeedletailError.self) {
            try await Self.ask(bench, body, .openAIChat, .embeddings, strict: true)
        }
        #expect(error?.code == .unsupported && error?.message.contains("brand_new") == true)
    }

    @Test("documents are put in order across forms, and given back to who asked for them")
    func rerank() async throws {
        let bench = Bench(Self.provider([.cohereChat])) { (_) in
            json(#"{"id":"r","results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}"#)
        }
        let reply = try await Self.ask(
            bench,
            #"{"model":"m","query":"q","documents":["a",{"text":"b"}],"top_n":2,"return_documents":true,"rank_fields":["x"]}"#,
            .openAIChat, .rerank)
        #expect(
            try Self.text(reply)
                == #"{"id":"r","model":"m","results":[{"index":1,"relevance_score":0.9,"document":{"text":"b"}},"#
                + #"{"index":0,"relevance_score":0.1,"document":{"text":"a"}}]}"#)
        #expect(reply.losses.map(\.field) == ["rank_fields"])
        #expect(try String(buffer: bench.sent.body) == #"{"model":"m","query":"q","documents":["a","b"],"top_n":2}"#)
    }

    @Test("sound goes through as it comes, under its own type")
    func speech() async throws {
        let bench = Bench(Self.provider([.openAIChat])) { (_) in
            TransportResponse(
                status: 200, headers: [.contentType: "audio/mpeg"],
                body: TransportBody(ScriptedBody([ByteBuffer(string: "ID3"), ByteBuffer(string: "xyz")])))
        }
        let reply = try await Self.ask(bench, #"{"model":"a/m","input":"Hi","voice":"alloy"}"#, .openAIChat, .speech)
        #expect(reply.contentType == "audio/mpeg")
        #expect(try await collect(reply).text == "ID3xyz")
        #expect(try bench.sent.path == "/v1/audio/speech")
        #expect(try String(buffer: bench.sent.body) == #"{"model":"m","input":"Hi","voice":"alloy"}"#)
    }

    @Test("a form keeps its bytes, its boundary and its file; only the model's name changes")
    func form() async throws {
        let bench = Bench(Self.provider([.openAIChat])) { (_) in
            json(#"{"text":"hello","usage":{"input_tokens":3,"output_tokens":1}}"#)
        }
        let type = "multipart/form-data; boundary=\"cut here\""
        let form = { (model: String) in
            "--cut here\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\u{0}\u{1}RIFF\r\n"
                + "--cut here\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\(model)\r\n--cut here--\r\n"
        }
        var request = try RequestPeek.readForm(
            ByteBuffer(string: form("oai/whisper")), contentType: type, dialect: .openAIChat, operation: .transcription)
        #expect(request.model == "oai/whisper")
        request.model = "whisper-1"
        let reply = try await bench.provider.respond(
            to: request, context: .testing(forwardedHeaders: [.contentType: type]))
        #expect(try String(buffer: bench.sent.body) == form("whisper-1"))
        #expect(try bench.sent.headers[.contentType] == type)
        guard case .complete(_, let usage) = reply.body else { throw NeedletailError(.internalFailure, "") }
        #expect(usage == Usage(inputTokens: 3, outputTokens: 1))
    }

    @Test("a form without a model gets the one of its path, as Azure's have it")
    func deployment() async throws {
        let bench = Bench(Self.provider([.openAIChat])) { (_) in json(#"{"text":"hello"}"#) }
        let type = "multipart/form-data; boundary=b"
        let file = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nRIFF\r\n--b--\r\n"
        var request = try RequestPeek.readForm(
            ByteBuffer(string: file), contentType: type, dialect: .openAIChat, operation: .transcription,
            model: "oai/whisper")
        #expect(request.model == "oai/whisper")
        request.model = "whisper-1"
        _ = try await bench.provider.respond(to: request, context: .testing(forwardedHeaders: [.contentType: type]))
        let part = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n"
        #expect(try String(buffer: bench.sent.body) == part + file)
        let error = #expect(throws: NeedletailError.self) {
            try RequestPeek.readForm(
                ByteBuffer(string: file), contentType: type, dialect: .openAIChat, operation: .transcription,
                model: "a\r\n--b")
        }
        #expect(error?.parameter == "model")
    }

    @Test(
        "a form that is none is refused by name",
        arguments: [
            ("multipart/form-data", "x"), ("multipart/form-data; boundary=b", "no boundary in here"),
            (
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--"
            ),
        ])
    func badForm(type: String, body: String) {
        let error = #expect(throws: NeedletailError.self) {
            try RequestPeek.readForm(
                ByteBuffer(string: body), contentType: type, dialect: .openAIChat, operation: .transcription)
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("an operation that a provider has not is refused, before anything is sent")
    func absent() async throws {
        let bench = Bench(Self.provider([.anthropicMessages])) { (_) in json("{}") }
        let error = await #expect(throws: NeedletailError.self) {
            try await Self.ask(bench, #"{"model":"m","input":"a"}"#, .openAIChat, .embeddings)
        }
        #expect(error?.code == .unsupported && bench.transport.requests.isEmpty)
    }
}
