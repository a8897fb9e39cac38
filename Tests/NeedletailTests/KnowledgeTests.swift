import Needletail
import NeedletailTesting
import Testing

@Suite("What is known beforehand")
struct KnowledgeTests {
    private static func provider(_ spec: ProviderSpec, _ id: ProviderID) -> HTTPProvider {
        let nobody = FunctionTransport { _ throws(NeedletailError) in throw NeedletailError(.unreachable, "nobody") }
        return HTTPProvider(id: id, spec: spec, options: .init(), transport: nobody, time: JumpingTime().source)
    }

    private func registry() throws -> ProviderRegistry {
        let registry = ProviderRegistry(time: JumpingTime().source)
        try registry.register(Self.provider(.openAI, "openai"))
        try registry.register(Self.provider(.anthropic, "anthropic"))
        return registry
    }

    @Test("models by what they can do, from the catalogue")
    func capabilities() throws {
        let registry = try self.registry()
        let seeing = registry.models(able: Capability([.images, .tools], inputTokens: 150_000))
        #expect(seeing.contains { $0.provider == "anthropic" && $0.model == "claude-haiku-4-5" })
        #expect(seeing.contains { $0.provider == "openai" && $0.model == "gpt-4o-mini" } == false)
        #expect(
            registry.models(able: Capability([.images, .tools])).contains {
                $0.provider == "openai" && $0.model == "gpt-4o-mini"
            })
        #expect(registry.models(able: Capability(inputTokens: 100_000_000)).isEmpty)
        // Anthropic has no vectors.
        #expect(
            registry.models(able: Capability(operation: .embeddings), includingUnknown: true)
                .allSatisfy { $0.provider == "openai" })
    }

    @Test("costs of a typed chat: at least, at most, and unknown")
    func costs() throws {
        let registry = try self.registry()
        var request = ChatRequest(model: "gpt-4o-mini", messages: [.user(String(repeating: "word ", count: 2_000))])
        request.maxOutputTokens = 100
        let all = ChatClient(registry).estimateCosts(request)
        #expect(all.map(\.provider) == ["openai"])
        let (least, most) = (try #require(all[0].least), try #require(all[0].most))
        // 10,000 bytes at $0.15 (cached: $0.075) and 100 tokens at $0.60 for a million.
        #expect(least > Money(picodollars: 75_000 * 1_500) && least < most)
        #expect(most >= Money(picodollars: 150_000 * 10_000 + 600_000 * 100))
        #expect(most < Money(picodollars: 150_000 * 12_000 + 600_000 * 200) * 2)
        request.model = "nobody-has-this"
        #expect(ChatClient(registry).estimateCosts(request).isEmpty)
    }

    @Test("a typed request tells routing what it needs, as a client's bytes would")
    func demand() throws {
        var request = ChatRequest(model: "m", messages: [.system("Be brief."), .user("Hello there")])
        let plain = InferenceRequest(chat: request, isStreaming: true)
        #expect(plain.isStreaming && plain.features.isEmpty)
        #expect((10...80).contains(plain.estimatedInputTokens))
        request.tools = [Tool(name: "f", kind: .function(parameters: nil))]
        request.responseFormat = .jsonObject
        request.reasoning = ReasoningOptions(effort: "high")
        request.messages.append(
            ChatMessage(.user, [.image(ImagePart(.url("https://example.com/a.png")))]))
        request.choiceCount = 3
        let rich = InferenceRequest(chat: request, isStreaming: false)
        #expect(rich.features == [.tools, .structuredOutput, .reasoning, .images])
        #expect(rich.estimatedInputTokens > 1_600 && rich.choices == 3)
    }
}

extension Money {
    fileprivate static func * (left: Self, right: Int) -> Self {
        Money(picodollars: left.picodollars * Int128(right))
    }
}
