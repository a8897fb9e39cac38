import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

@Suite("Vectors of the clouds")
struct CloudEmbeddingTests {
    private static func ask(
        _ spec: ProviderSpec, _ model: String, _ body: String, answers: [String]
    ) async throws -> (sent: [(path: String, body: String)], reply: String, losses: [String]) {
        let count = Mutex(0)
        let bench = Bench(
            spec, options: .init(basePath: "", settings: ["project": "p", "location": "us-east5", "region": "r"])
        ) { _ in
            json(
                answers[
                    count.withLock { count in
                        count += 1
                        return min(count, answers.count) - 1
                    }])
        }
        var request = try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .embeddings)
        request.model = model
        let reply = try await bench.provider.respond(to: request, context: .testing())
        guard case .complete(let wire, _) = reply.body else { throw NeedletailError(.internalFailure, "a stream") }
        let sent = bench.transport.requests.map { ($0.path, String(buffer: $0.body)) }
        return (sent, String(buffer: wire.bytes), reply.losses.map(\.field))
    }

    @Test(
        "Vertex predicts them, as many at once as the model takes",
        arguments: [("text-embedding-005", 1), ("gemini-embedding-001", 2)])
    func vertex(model: String, calls: Int) async throws {
        let one = #"{"embeddings":{"statistics":{"token_count":3,"truncated":false},"values":[0.5,-1]}}"#
        let answer = #"{"predictions":[\#(calls == 1 ? one + "," + one : one)]}"#
        let (sent, reply, losses) = try await Self.ask(
            .vertex, model, #"{"model":"x","input":["a","b"],"dimensions":2,"user":"u"}"#, answers: [answer])
        #expect(sent.count == calls)
        #expect(
            sent.first?.path == "/v1/projects/p/locations/us-east5/publishers/google/models/\(model):predict")
        let first = calls == 1 ? #"{"content":"a"},{"content":"b"}"# : #"{"content":"a"}"#
        #expect(sent.first?.body == #"{"instances":[\#(first)],"parameters":{"outputDimensionality":2}}"#)
        #expect(reply.contains(#""index":1,"embedding":[0.5,-1]"#) && reply.contains(#""prompt_tokens":6"#), "\(reply)")
        #expect(losses == ["user"])
    }

    @Test("Titan takes one text at a time")
    func titan() async throws {
        let (sent, reply, losses) = try await Self.ask(
            .bedrock, "amazon.titan-embed-text-v2:0", #"{"model":"x","input":["a","b"],"dimensions":256}"#,
            answers: [
                #"{"embedding":[1],"inputTextTokenCount":2}"#, #"{"embedding":[2],"inputTextTokenCount":3}"#,
            ])
        #expect(sent.map(\.path) == Array(repeating: "/model/amazon.titan-embed-text-v2%3A0/invoke", count: 2))
        #expect(sent.map(\.body) == [#"{"inputText":"a","dimensions":256}"#, #"{"inputText":"b","dimensions":256}"#])
        #expect(reply.contains(#""embedding":[1]"#) && reply.contains(#""embedding":[2]"#), "\(reply)")
        #expect(reply.contains(#""prompt_tokens":5"#) && losses.isEmpty)
    }

    @Test("Cohere's models on Bedrock take fields of its first version")
    func cohere() async throws {
        let (sent, reply, _) = try await Self.ask(
            .bedrock, "cohere.embed-english-v3", #"{"model":"x","input":["a","b"]}"#,
            answers: [#"{"embeddings":[[1],[2]],"id":"i","response_type":"embeddings_floats","texts":["a","b"]}"#])
        #expect(sent.map(\.body) == [#"{"texts":["a","b"],"input_type":"search_document"}"#])
        #expect(reply.contains(#""embedding":[1]"#) && reply.contains(#""embedding":[2]"#), "\(reply)")
    }

    @Test("a model that makes none is refused")
    func none() async {
        let error = await #expect(throws: NeedletailError.self) {
            try await Self.ask(.bedrock, "amazon.nova-lite-v1:0", #"{"model":"x","input":"a"}"#, answers: ["{}"])
        }
        #expect(error?.code == .unsupported)
    }
}
