import NIOCore
import NeedletailTesting
import Testing

@testable import Needletail

@Suite("Embeddings in Swift", .timeLimit(.minutes(5)))
struct EmbeddingTests {
    /// Answers with a vector for each text: its length and its place.
    private static let transport = FunctionTransport { request throws(NeedletailError) in
        let root: JSONView
        do { root = try JSONDocument(request.body).root } catch {
            throw NeedletailError(.internalFailure, "no JSON")
        }
        let texts = (root["input"] ?? root["texts"]).map { $0.elements.compactMap(\.string) } ?? []
        var json = ""
        if root["texts"] != nil {
            let vectors = texts.map { "[\($0.utf8.count),0.5]" }.joined(separator: ",")
            json = #"{"embeddings":{"float":[\#(vectors)]},"meta":{"billed_units":{"input_tokens":10}}}"#
        } else if texts.contains("bad") {
            return Self.response(400, #"{"error":{"message":"bad text","type":"invalid_request_error"}}"#)
        } else {
            let entries = texts.enumerated().reversed().map { index, text in
                #"{"index":\#(index),"embedding":[\#(text.utf8.count),0.5]}"#
            }
            json =
                #"{"data":[\#(entries.joined(separator: ","))],"model":"up","usage":{"prompt_tokens":10,"total_tokens":10}}"#
        }
        return Self.response(200, json)
    }

    private static func response(_ status: Int, _ json: String) -> TransportResponse {
        TransportResponse(status: status, body: TransportBody(ScriptedBody([ByteBuffer(string: json)])))
    }

    private static func client(_ spec: ProviderSpec = .openAI, _ time: TimeSource) -> ChatClient {
        ChatClient(
            HTTPProvider(id: "p", spec: spec, options: .init(), transport: Self.transport, time: time), time: time)
    }

    @Test("vectors come in the order of the texts, with usage and model")
    func embed() async throws {
        let answer = try await Self.client(.openAI, JumpingTime().source).embed(["a", "bbb"], model: "small")
        #expect(answer.vectors == [[1, 0.5], [3, 0.5]])
        #expect(answer.provider == "p" && answer.model == "small" && answer.usage?.inputTokens == 10)
        #expect(answer.losses.isEmpty)
    }

    @Test("what vectors are for is told where it can be, and else told as lost, or refused")
    func purpose() async throws {
        let time = JumpingTime().source
        #expect(
            try await Self.client(.openAI, time).embed(["a"], model: "m", purpose: "query").losses.map(\.field)
                == ["input_type"])
        var request = EmbeddingRequest(model: "m", inputs: [.text("a")])
        request.purpose = "query"
        let refused = await #expect(throws: NeedletailError.self) {
            try await Self.client(.openAI, time).embed(request, isStrict: true)
        }
        #expect(refused?.code == .unsupported)
        let told = try await Self.client(.cohere, time).embed(request)
        #expect(told.losses.isEmpty && told.vectors == [[1, 0.5]])
    }

    @Test("nothing to embed is refused")
    func nothing() async {
        let error = await #expect(throws: NeedletailError.self) {
            try await Self.client(.openAI, JumpingTime().source).embed([], model: "m")
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test("texts of several callers go together; each gets its vectors and its part of the tokens")
    func batched() async throws {
        let executor = VirtualExecutor()
        let time = executor.time
        let client = Self.client(.openAI, time)
        let runner = JobRunner(capacity: 10)
        let batcher = EmbeddingBatcher(client, runner: runner, time: time)
        let before = Self.transport.requests.count
        let ending = executor.run {
            await withTaskGroup(of: Void.self) { scope in
                scope.addTask { await runner.run() }
                while !runner.isRunning { await Task.yield() }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        let mine = try? await batcher.embed(["a", "bb"], model: "joined")
                        #expect(mine?.vectors == [[1, 0.5], [2, 0.5]] && mine?.usage?.inputTokens == 3)
                    }
                    group.addTask {
                        let mine = try? await batcher.embed(["ccccccc"], model: "joined")
                        #expect(mine?.vectors == [[7, 0.5]] && mine?.usage?.inputTokens == 7)
                    }
                    group.addTask {
                        let error = await #expect(throws: NeedletailError.self) {
                            try await batcher.embed(["bad"], model: "other")
                        }
                        #expect(error?.code == .invalidRequest)
                    }
                }
                runner.close()
            }
        }
        #expect(ending == .finished)
        let joined = Self.transport.requests.dropFirst(before).map { String(buffer: $0.body) }
            .filter { $0.contains("joined") }
        #expect(joined.count == 1)
    }

    @Test("jobs of an application's own run, and are over when they are closed")
    func jobs() async throws {
        let jobs = BackgroundJobs()
        let batcher = EmbeddingBatcher(
            Self.client(.openAI, .live), MicroBatchOptions(window: .zero), jobs: jobs)
        #expect(try await batcher.embed(["four"], model: "m").vectors == [[4, 0.5]])
        await jobs.close()
        await jobs.close()
        // Who comes afterwards makes the call himself.
        #expect(try await batcher.embed(["four"], model: "m").vectors == [[4, 0.5]])
    }

    @Test("shares are whole, in proportion, and sum to what there is", arguments: 0..<100)
    func shares(seed: Int) {
        var random = RandomSource.Generator(.seeded(UInt64(seed)))
        let weights = (0..<Int.random(in: 1...20, using: &random)).map { _ in Int.random(in: 0...5_000, using: &random)
        }
        let sum = Int.random(in: 0...100_000, using: &random)
        let shares = EmbeddingBatcher.shares(of: sum, by: weights)
        #expect(shares.reduce(0, +) == sum && shares.count == weights.count)
        let total = weights.map { max(1, $0) }.reduce(0, +)
        for (share, weight) in zip(shares, weights) {
            #expect(abs(Double(share) - Double(sum) * Double(max(1, weight)) / Double(total)) <= 1)
        }
    }
}
