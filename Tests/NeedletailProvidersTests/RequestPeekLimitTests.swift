import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("RequestPeek: how much a request may use")
struct RequestPeekLimitTests {
    private static func read(_ members: String, _ dialect: DialectID) throws -> InferenceRequest {
        try RequestPeek.read(
            ByteBuffer(string: #"{"model":"m",\#(members)}"#), dialect: dialect, operation: .chat)
    }

    @Test(
        "each of several prompts is answered",
        arguments: [
            (#""prompt":"x""#, 1), (#""prompt":["x"]"#, 1), (#""prompt":["x","y","z"]"#, 3),
            (#""prompt":[ "x","y"],"n":2"#, 4), (#""n":2,"best_of":5,"prompt":["x","y"]"#, 10),
            (#""prompt":[1,2,3]"#, 1), (#""prompt":[ 1,2,3],"n":2"#, 2), (#""prompt":[[1,2],[3],[4,5,6]]"#, 3),
            (#""prompt":[[1,2],[3]],"n":2147483647"#, 4_294_967_294),
        ])
    func prompts(_ members: String, _ choices: Int) throws {
        #expect(try Self.read(members, .openAICompletions).choices == choices)
    }

    @Test("a list of messages is one question")
    func messages() throws {
        #expect(try Self.read(#""messages":[{},{}],"n":2"#, .openAIChat).choices == 2)
    }

    @Test(
        "of several limits the largest counts",
        arguments: [
            (#""messages":[1],"max_tokens":900,"max_completion_tokens":1"#, DialectID.openAIChat, Int?(900)),
            (#""messages":[1],"max_completion_tokens":800,"max_tokens":1"#, .openAIChat, 800),
            (#""messages":[1],"max_completion_tokens":null,"max_tokens":5"#, .openAIChat, 5),
            (
                #""contents":[1],"generationConfig":{"maxOutputTokens":700},"generation_config":{"max_output_tokens":1}"#,
                .gemini, 700
            ),
            (#""contents":[1],"generationConfig":{"maxOutputTokens":1,"max_output_tokens":600}"#, .gemini, 600),
            (#""messages":[1],"options":{"num_predict":500,"num_predict":1}"#, .ollamaChat, 500),
            (#""messages":[1],"inferenceConfig":{"maxTokens":400}"#, .bedrockConverse, 400),
            (#""input":"x","max_output_tokens":300"#, .openAIResponses, 300),
            (#""messages":[1],"max_tokens":200"#, .anthropicMessages, 200),
            (#""messages":[1],"max_tokens":100"#, .cohereChat, 100),
        ] as [(String, DialectID, Int?)])
    func largest(_ members: String, _ dialect: DialectID, _ limit: Int?) throws {
        #expect(try Self.read(members, dialect).maxOutputTokens == limit)
    }

    @Test(
        "what an upstream passes over is no limit",
        arguments: [
            (#""options":{"num_predict":500},"format":{"num_predict":1}"#, DialectID.ollamaChat, Int?(500)),
            (#""messages":[1],"format":{"num_predict":1},"think":{"num_predict":1}"#, .ollamaChat, nil),
            (#""messages":[1],"options":{"max_output_tokens":1},"max_tokens":1"#, .ollamaChat, nil),
            (#""prompt":"x","options":{"num_predict":-1,"num_predict":1}"#, .ollamaGenerate, nil),
            (#""prompt":"x","options":{"num_predict":1},"options":{}"#, .ollamaGenerate, nil),
            (
                #""messages":[1],"inferenceConfig":{"maxTokens":400},"toolConfig":{"maxTokens":1},"outputConfig":{"maxTokens":1},"additionalModelRequestFields":{"maxTokens":1}"#,
                .bedrockConverse, 400
            ),
            (#""messages":[1],"toolConfig":{"maxTokens":1}"#, .bedrockConverse, nil),
            (
                #""contents":[1],"generationConfig":{"maxOutputTokens":1},"generation\u0043onfig":{"maxOutputTokens":9}"#,
                .gemini, 9
            ),
            (#""contents":[1],"max_tokens":1"#, .gemini, nil),
            (#""messages":[1],"max_output_tokens":1"#, .openAIChat, nil),
            (#""input":"x","max_tokens":1"#, .openAIResponses, nil),
            (#""input":"x","text":{"max_output_tokens":1}"#, .openAIResponses, nil),
        ] as [(String, DialectID, Int?)])
    func decoys(_ members: String, _ dialect: DialectID, _ limit: Int?) throws {
        #expect(try Self.read(members, dialect).maxOutputTokens == limit)
    }

    @Test("a limit that a budget sets leaves no second one beside it")
    func clamped() async throws {
        let bench = Bench { _ in
            json(
                #"{"id":"r","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#
            )
        }
        var request = try Self.read(
            #""messages":[{"role":"user","content":"x"}],"max_tokens":90000,"max_completion_tokens":10"#, .openAIChat)
        request.maxOutputTokens = 7
        request.isOutputClamped = true
        _ = try await bench.provider.respond(to: request, context: .testing())
        let body = String(buffer: try bench.sent.body)
        #expect(body.contains(":7") && !body.contains("90000") && !body.contains(":10"), "\(body)")
    }
}
