import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Complexity tiers")
struct ComplexityTests {
    @Test("facts are read from the bytes of each dialect")
    func facts() {
        let fences = #"```swift\nlet a\n``` and ```\nb\n```"#
        let chat = ruleRequest(
            features: [.tools, .structuredOutput, .reasoning], tokens: 300,
            body: #"{"messages":[{"role":"user","content":"\#(fences)"},{},[1,2]],"tools":[{},{}],"stream":false}"#)
        #expect(
            ComplexityScore.Facts(chat)
                == .init(tokens: 300, turns: 3, tools: 2, codeBlocks: 2, hasSchema: true, asksForReasoning: true))
        let gemini = ruleRequest(dialect: .gemini, body: #"{ "contents" : [ { } , { } ] , "x": [1] }"#)
        #expect(ComplexityScore.Facts(gemini) == .init(tokens: 10, turns: 2))
        let text = ruleRequest(features: .tools, dialect: .openAIResponses, body: #"{"input":"one"}"#)
        #expect(ComplexityScore.Facts(text) == .init(tokens: 10, turns: 1, tools: 1))
        for broken in ["", "[]", "{", #"{"messages":["#] {
            #expect(ComplexityScore.Facts(ruleRequest(body: broken)).tools == 0)
        }
        let typed = ChatRequest(model: "m", messages: [ChatMessage(.user, "```a```"), ChatMessage(.user, "b")])
        let request = InferenceRequest(operation: .chat, model: "m", body: .model(typed), replyDialect: nil)
        #expect(ComplexityScore.Facts(request) == .init(turns: 2, codeBlocks: 1))
    }

    @Test(
        "a part alone gives its weight when it is full, and half of it half way",
        arguments: [
            ("tokens", ComplexityScore.Facts(tokens: 16_000), 0.3), ("tokens", .init(tokens: 1_789), 0.15),
            ("tokens", .init(tokens: 200), 0), ("tokens", .init(tokens: 1_000_000), 0.3),
            ("turns", .init(turns: 11), 0.05), ("turns", .init(turns: 500), 0.1), ("turns", .init(turns: 1), 0),
            ("tools", .init(tools: 4), 0.075), ("tools", .init(tools: 80), 0.15), ("code", .init(codeBlocks: 2), 0.075),
            ("schema", .init(hasSchema: true), 0.1), ("reasoning", .init(asksForReasoning: true), 0.2),
        ])
    func parts(_ name: String, _ facts: ComplexityScore.Facts, _ points: Double) throws {
        let score = ComplexityScore(facts)
        #expect(abs(score.value - points) < 0.001)
        #expect(abs((score.parts.first { $0.name == name }?.points ?? -1) - points) < 0.001)
        #expect(abs(score.parts.reduce(0) { $0 + $1.points } - score.value) < 1e-9)
    }

    @Test(
        "more of anything is never less complex, and the score stays within 0 and 1", arguments: 0..<10 as Range<UInt64>
    )
    func monotone(_ seed: UInt64) {
        var random = RandomSource.Generator(.seeded(seed))
        for _ in 0..<500 {
            var facts = ComplexityScore.Facts(
                tokens: Int.random(in: 0...50_000, using: &random), turns: Int.random(in: 0...40, using: &random),
                tools: Int.random(in: 0...20, using: &random), codeBlocks: Int.random(in: 0...9, using: &random))
            let before = ComplexityScore(facts).value
            switch Int.random(in: 0...5, using: &random) {
            case 0: facts.tokens += Int.random(in: 0...9_000, using: &random)
            case 1: facts.turns += 1
            case 2: facts.tools += 1
            case 3: facts.codeBlocks += 1
            case 4: facts.hasSchema = true
            default: facts.asksForReasoning = true
            }
            #expect(ComplexityScore(facts).value >= before - 1e-9 && (0...1).contains(before), "seed \(seed)")
        }
    }

    private func router(_ tiers: [TierRouter.Tier]) -> TierRouter? {
        let providers = tiers.map { ($0, ScriptedProvider(ProviderID($0.rawValue)) as any Provider) }
        return TierRouter(id: "g", tiers: Dictionary(uniqueKeysWithValues: providers))
    }

    @Test(
        "a tier answers for its scores, and the next higher, else lower, for one that is missing",
        arguments: [
            ([.simple, .medium, .complex], ["simple", "medium", "complex"]),
            ([.simple, .complex], ["simple", "complex", "complex"]),
            ([.simple, .medium], ["simple", "medium", "medium"]), ([.complex], ["complex", "complex", "complex"]),
            ([.medium], ["medium", "medium", "medium"]), ([.simple], ["simple", "simple", "simple"]),
        ] as [([TierRouter.Tier], [String])])
    func tiers(_ tiers: [TierRouter.Tier], _ answering: [String]) async throws {
        let router = try #require(self.router(tiers))
        let requests = [
            ruleRequest(), ruleRequest(features: .reasoning, tokens: 500),
            ruleRequest(features: [.reasoning, .structuredOutput], tokens: 16_000),
        ]
        for (request, expected) in zip(requests, answering) {
            let explanation = router.explain(request)
            let reply = try await router.respond(to: request, context: .testing())
            #expect(reply.provider.rawValue == expected && explanation.answering.rawValue == expected)
        }
        #expect(self.router([]) == nil)
    }
}
