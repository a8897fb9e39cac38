import HTTPTypes
import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("Rule conditions")
struct RuleConditionTests {
    private static let team = HTTPField.Name("x-team") ?? .accept

    /// A condition, requests that meet it, and such that do not.
    struct Case: Sendable, CustomTestStringConvertible {
        var part: RuleCondition.Part
        var condition: RuleCondition
        var fits: [(InferenceRequest, RequestInfo)]
        var misses: [(InferenceRequest, RequestInfo)]
        var testDescription: String { self.part.rawValue }
    }

    private static func feature(_ part: RuleCondition.Part, _ feature: Features) -> [Case] {
        let (with, without) = ((ruleRequest(features: [feature, .logprobs]), ruleInfo()), (ruleRequest(), ruleInfo()))
        return [
            Case(part: part, condition: .with { $0.required = feature }, fits: [with], misses: [without]),
            Case(part: part, condition: .with { $0.forbidden = feature }, fits: [without], misses: [with]),
        ]
    }

    static let cases: [Case] =
        RuleCondition.features.flatMap { Self.feature($0.part, $0.feature) } + [
            Case(
                part: .model, condition: .with { $0.models = [ModelGlob("gpt-*"), ModelGlob("o3")] },
                fits: [(ruleRequest("gpt-4"), ruleInfo()), (ruleRequest("o3"), ruleInfo())],
                misses: [(ruleRequest("o3-mini"), ruleInfo()), (ruleRequest("GPT-4"), ruleInfo())]),
            Case(
                part: .operation, condition: .with { $0.operations = [.embeddings] },
                fits: [(ruleRequest(operation: .embeddings), ruleInfo())], misses: [(ruleRequest(), ruleInfo())]),
            Case(
                part: .stream, condition: .with { $0.isStreaming = true },
                fits: [(ruleRequest(isStreaming: true), ruleInfo())], misses: [(ruleRequest(), ruleInfo())]),
            Case(
                part: .tokens, condition: .with { $0.tokens = 100...200 },
                fits: [(ruleRequest(tokens: 100), ruleInfo()), (ruleRequest(tokens: 200), ruleInfo())],
                misses: [(ruleRequest(tokens: 99), ruleInfo()), (ruleRequest(tokens: 201), ruleInfo())]),
            Case(
                part: .size, condition: .with { $0.size = 10...20 },
                fits: [(ruleRequest(body: String(repeating: " ", count: 10)), ruleInfo())],
                misses: [
                    (ruleRequest(body: String(repeating: " ", count: 21)), ruleInfo()),
                    (
                        InferenceRequest(
                            operation: .chat, model: "m", body: .model(ChatRequest(model: "m")), replyDialect: nil),
                        ruleInfo()
                    ),
                ]),
            Case(
                part: .key, condition: .with { $0.keys = [ModelGlob("dev-*")] },
                fits: [(ruleRequest(), ruleInfo(key: "dev-1"))],
                misses: [(ruleRequest(), ruleInfo(key: "ops")), (ruleRequest(), ruleInfo())]),
            Case(
                part: .tenant, condition: .with { $0.tenants = [ModelGlob("crew")] },
                fits: [(ruleRequest(), ruleInfo(tenant: "crew"))],
                misses: [(ruleRequest(), ruleInfo(tenant: "other")), (ruleRequest(), ruleInfo(key: "crew"))]),
            Case(
                part: .headers, condition: .with { $0.headers = [.init(Self.team, ModelGlob("a*"))] },
                fits: [(ruleRequest(), ruleInfo(headers: [Self.team: "abc"]))],
                misses: [(ruleRequest(), ruleInfo(headers: [Self.team: "b"])), (ruleRequest(), ruleInfo())]),
            Case(
                part: .time, condition: .with { $0.time = TimeWindow(opening: 1) }, fits: [],
                misses: [(ruleRequest(), ruleInfo())]),
            Case(
                part: .percent,
                condition: .with { $0.share = .init(0, StickyShare(.request, name: "r")) }, fits: [],
                misses: [(ruleRequest(), ruleInfo())]),
        ]

    @Test("each part fits what it says and names itself where it does not", arguments: Self.cases)
    func parts(_ test: Case) {
        for (request, info) in test.fits { #expect(test.condition.mismatch(request, info) == nil) }
        for (request, info) in test.misses { #expect(test.condition.mismatch(request, info) == test.part) }
    }

    @Test("every part is tested, and an empty condition fits everything")
    func all() {
        #expect(Set(Self.cases.map(\.part)) == Set(RuleCondition.Part.allCases))
        for (request, info) in Self.cases.flatMap({ $0.fits + $0.misses }) {
            #expect(RuleCondition().mismatch(request, info) == nil)
        }
    }

    @Test(
        "what one condition is said to cover, it does: random conditions and requests",
        arguments: 0..<20 as Range<UInt64>)
    func covers(_ seed: UInt64) {
        var random = RandomSource.Generator(.seeded(seed))
        var (covered, missed) = (0, 0)
        for _ in 0..<600 {
            let wide = Self.condition(&random, chance: 0.25)
            let narrow = Self.condition(&random, chance: 0.6)
            guard wide.covers(narrow) else { continue }
            covered += 1
            for _ in 0..<20 {
                let (request, info, wall) = Self.request(&random)
                guard narrow.mismatch(request, info, wall: wall) == nil else { continue }
                if wide.mismatch(request, info, wall: wall) != nil { missed += 1 }
            }
        }
        #expect(covered > 20, "seed \(seed)")
        #expect(missed == 0, "seed \(seed)")
    }

    @Test("every condition covers itself, and one more part does not cover less", arguments: Self.cases)
    func coversItself(_ test: Case) {
        #expect(test.condition.covers(test.condition))
        #expect(RuleCondition().covers(test.condition))
        #expect(!test.condition.covers(RuleCondition()))
    }

    private static let globs = ["*", "a*", "*a", "ab*", "a*b", "ab", "b", "a*b*"].map { ModelGlob($0) }
    private static let names = ["a", "b", "ab", "aab", "abb", "ba", "axb"]

    private static func condition(_ random: inout RandomSource.Generator, chance: Double) -> RuleCondition {
        func draws() -> Bool { Double.random(in: 0..<1, using: &random) < chance }
        func glob() -> ModelGlob { Self.globs[Int.random(in: 0..<Self.globs.count, using: &random)] }
        func range() -> ClosedRange<Int> {
            let low = Int.random(in: 0...3, using: &random)
            return low...(low + Int.random(in: 0...3, using: &random))
        }
        return .with { condition in
            if draws() { condition.models = [glob()] + (draws() ? [glob()] : []) }
            if draws() { condition.keys = [glob()] }
            if draws() { condition.tenants = [glob()] }
            if draws() { condition.operations = draws() ? [.chat] : [.chat, .embeddings] }
            if draws() { condition.required = draws() ? .tools : [.tools, .images] }
            if draws() { condition.forbidden = .reasoning }
            if draws() { condition.isStreaming = Bool.random(using: &random) }
            if draws() { condition.tokens = range() }
            if draws() { condition.size = range() }
            if draws() { condition.headers = [.init(Self.team, glob())] }
            if draws() {
                condition.time = TimeWindow(
                    days: .init(rawValue: UInt8.random(in: 1...127, using: &random)),
                    opening: Int.random(in: 0...1439, using: &random), closing: Int.random(in: 1...1440, using: &random)
                )
            }
            if draws() {
                condition.share = .init(
                    Double.random(in: 0...1, using: &random), StickyShare(.request, name: draws() ? "a" : "b"))
            }
        }
    }

    private static func request(_ random: inout RandomSource.Generator) -> (InferenceRequest, RequestInfo, Int64) {
        func name() -> String { Self.names[Int.random(in: 0..<Self.names.count, using: &random)] }
        let features: Features = [
            Bool.random(using: &random) ? .tools : [], Bool.random(using: &random) ? .images : [],
            Bool.random(using: &random) ? .reasoning : [],
        ]
        let request = ruleRequest(
            name(), operation: Bool.random(using: &random) ? .chat : .embeddings, features: features,
            tokens: Int.random(in: 0...7, using: &random), isStreaming: Bool.random(using: &random),
            body: String(repeating: " ", count: Int.random(in: 0...7, using: &random)))
        let info = ruleInfo(
            "\(UInt64.random(in: 0...(.max), using: &random))", key: name(), tenant: name(),
            headers: [Self.team: name()])
        return (request, info, Int64.random(in: 0..<604_800, using: &random))
    }
}
