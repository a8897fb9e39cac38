import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Capabilities")
struct CapabilityTests {
    @Test("the catalogue is sorted, well formed and names each model once")
    func order() throws {
        let lines = ModelCatalogue.facts.description.split(separator: "\n").map { Array($0.utf8) }
        #expect(lines.count > 500)
        for (first, second) in zip(lines, lines.dropFirst()) {
            #expect(first.lexicographicallyPrecedes(second), "\(String(decoding: second, as: UTF8.self))")
        }
        for line in lines {
            let fields = String(decoding: line, as: UTF8.self).split(separator: " ")
            try #require(fields.count == 5)
            #expect(ProviderSpec.named(String(fields[0])) != nil || Self.expectedTypes.contains(String(fields[0])))
            let facts = try #require(ModelCatalogue.facts(type: String(fields[0]), model: String(fields[1])))
            #expect((facts.contextWindow ?? 0) == Int(fields[2]) && (facts.maxOutputTokens ?? 0) == Int(fields[3]))
        }
    }

    /// Types that the catalogue knows models of before they are there.
    private static let expectedTypes: Set<String> = ["bedrock"]

    @Test(
        "what is not in the catalogue is not found",
        arguments: ["", "gpt", "gpt-4o-", "gpt-4o 1", "gpt-4o\n", "zzz", "\u{0}", "ö"])
    func unknown(model: String) {
        #expect(ModelCatalogue.facts(type: "openai", model: model) == nil)
        #expect(ModelCatalogue.facts(type: "nobody", model: "gpt-4o") == nil)
    }

    @Test("known models have their facts")
    func known() {
        let facts = ModelCatalogue.facts(type: "openai", model: "gpt-4o")
        #expect(facts?.contextWindow == 128_000 && facts?.maxOutputTokens == 16_384)
        #expect(facts?.vision == true && facts?.tools == true && facts?.structuredOutput == true)
        #expect(ModelCatalogue.facts(type: "openai", model: "gpt-4")?.vision == false)
        #expect(ModelCatalogue.facts(type: "deepseek", model: "deepseek-reasoner")?.tools == true)
        #expect(ModelCatalogue.facts(type: "anthropic", model: "claude-haiku-4-5")?.vision == true)
    }

    private static func request(
        _ model: String, _ features: Features = [], output: Int? = nil, input: Int = 10
    ) -> InferenceRequest {
        InferenceRequest(
            operation: .chat, model: model, maxOutputTokens: output, estimatedInputTokens: input, features: features,
            body: .model(ChatRequest(model: model)), replyDialect: nil)
    }

    @Test("what a model cannot do is refused before it is sent, and what is not known is not")
    func refusals() {
        let models = ModelCapabilities(type: "openai")
        #expect(models.refusal(of: Self.request("gpt-4", .images))?.code == .unsupported)
        #expect(models.refusal(of: Self.request("gpt-4o", .images)) == nil)
        #expect(
            models.refusal(of: Self.request("tiny-1", [.images, .tools, .structuredOutput], output: 1 << 40)) == nil)
        #expect(models.refusal(of: Self.request("gpt-4o", output: 16_385))?.parameter == "max_tokens")
        #expect(models.refusal(of: Self.request("gpt-4o", output: 16_384)) == nil)
        // Twice the window is surely more than fits, a little over it may still fit.
        #expect(models.refusal(of: Self.request("gpt-4", input: 20_000))?.message.contains("8192") == true)
        #expect(models.refusal(of: Self.request("gpt-4", input: 12_000)) == nil)
        #expect(models.refusal(of: Self.request("gpt-audio", .structuredOutput))?.code == .unsupported)
    }

    @Test("what the operator says comes before the catalogue, for one model or all that begin alike")
    func statements() {
        let models = ModelCapabilities(
            type: "openai",
            statements: [
                .init("gpt-4", ModelFacts(vision: true)), .init("tiny-*", ModelFacts(contextWindow: 100, tools: false)),
            ])
        #expect(models.refusal(of: Self.request("gpt-4", .images)) == nil)
        #expect(models.facts(of: "gpt-4").contextWindow == 8192)
        #expect(models.refusal(of: Self.request("tiny-1", .tools))?.parameter == "tools")
        #expect(models.refusal(of: Self.request("tiny-1", input: 202)) != nil)
        #expect(models.refusal(of: Self.request("big-1", .tools, input: 202)) == nil)
    }

    @Test("a provider refuses without asking its upstream, so that another target is asked")
    func provider() async throws {
        let bench = Bench { _ in json("{}") }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(
                #"{"model":"gpt-4","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}]}"#
            )
        }
        #expect(error?.code == .unsupported && error?.disposition.retry == .otherTarget)
        #expect(bench.transport.requests.isEmpty)
    }
}
