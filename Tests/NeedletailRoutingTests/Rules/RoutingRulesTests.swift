import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Routing rules")
struct RoutingRulesTests {
    private let time = JumpingTime()

    private static func directory(_ providers: [String: any Provider], groups: [String]) -> ModelDirectory {
        ModelDirectory(
            groups: Dictionary(
                uniqueKeysWithValues: groups.map { name in
                    (name, ModelDirectory.Group(router: ScriptedProvider(ProviderID(name))) { _ in nil })
                }),
            upstreams: providers.mapValues { .init(router: $0, models: ["listed"]) }, defaultGroup: nil)
    }

    private func rule(
        _ name: String, _ place: RoutingDestination.Place, providers: Set<ProviderID> = [],
        _ change: (inout RuleCondition) -> Void = { _ in }
    ) -> RoutingRule {
        RoutingRule(name: name, condition: .with(change), destination: .init(place, providers: providers))
    }

    private func ask(
        _ request: InferenceRequest, rules: [RoutingRule], experiments: [Experiment] = [], allowed: [String]? = nil,
        key: String? = nil
    ) async throws -> String {
        let router = ModelRouter(
            Self.directory(["oa": ScriptedProvider("oa"), "an": ScriptedProvider("an")], groups: ["smart", "vision"]),
            rules: RoutingRules(experiments: experiments, rules: rules, time: self.time.source), time: self.time.source)
        let reply = try await router.respond(
            to: request, context: .testing(keyName: key, allowedModels: allowed))
        return "\(reply.provider.rawValue) \(reply.model)"
    }

    @Test("the first rule that holds wins, and the name asked for need lead nowhere")
    func order() async throws {
        let rules = [
            self.rule("images", .group("vision")) { $0.required = .images },
            self.rule("auto", .provider("an", model: "x")) { $0.models = [ModelGlob("auto")] },
            self.rule("rest", .provider("oa", model: nil)) { $0.models = [ModelGlob("a*")] },
        ]
        let image = try await self.ask(ruleRequest("auto", features: .images), rules: rules)
        #expect(image == "vision auto")
        #expect(try await self.ask(ruleRequest("auto"), rules: rules) == "an x")
        #expect(try await self.ask(ruleRequest("any"), rules: rules) == "oa any")
        #expect(try await self.ask(ruleRequest("smart"), rules: rules) == "smart smart")
        await #expect(throws: NeedletailError.self) { try await self.ask(ruleRequest("nobody"), rules: rules) }
    }

    @Test("a key must allow the name asked for, not where it leads")
    func allowed() async throws {
        let rules = [self.rule("auto", .group("smart")) { $0.models = [ModelGlob("auto")] }]
        #expect(try await self.ask(ruleRequest("auto"), rules: rules, allowed: ["auto"]) == "smart auto")
        let error = await #expect(throws: NeedletailError.self) {
            try await self.ask(ruleRequest("auto"), rules: rules, allowed: ["smart"])
        }
        #expect(error?.code == .forbidden)
    }

    @Test("what a provider keeps goes on there: rules that lead elsewhere are passed over")
    func pin() async throws {
        var request = ruleRequest("auto")
        request.pin = "oa"
        let rules = [
            self.rule("one", .provider("an", model: "x"), providers: ["an"]),
            self.rule("two", .provider("oa", model: "y"), providers: ["oa"]),
        ]
        #expect(try await self.ask(request, rules: rules) == "oa y")
        request.pin = "an"
        #expect(try await self.ask(request, rules: rules) == "an x")
    }

    @Test("a destination that is not there is a 503 and not another's answer")
    func missing() async throws {
        let error = await #expect(throws: NeedletailError.self) {
            try await self.ask(ruleRequest("auto"), rules: [self.rule("one", .group("gone"))])
        }
        #expect(error?.code == .unavailable)
    }

    @Test("experiments come before rules, and what is explained is what happens")
    func experiments() async throws {
        let arms = ["oa", "an"].map { name in
            ExperimentArm(name, destination: .init(.provider(name, model: "m-" + name), providers: [ProviderID(name)]))
        }
        let experiment = Experiment(
            "e", condition: .with { $0.models = [ModelGlob("auto")] }, arms: arms, draw: .init(.key, name: "e"))
        let rules = [self.rule("all", .group("smart"))]
        let list = RoutingRules(experiments: [experiment], rules: rules, time: self.time.source)
        var seen: Set<String> = []
        for number in 0..<50 {
            let key = "k\(number)"
            let answer = try await self.ask(
                ruleRequest("auto"), rules: rules, experiments: [experiment], key: key)
            let provider = String(answer.prefix(2))
            #expect(answer == "\(provider) m-\(provider)")
            let verdicts = list.explain(ruleRequest("auto"), ruleInfo(key: key))
            #expect(verdicts.map(\.arm) == [provider] && verdicts[0].holds)
            seen.insert(provider)
        }
        #expect(seen == ["oa", "an"])
        #expect(arms.map(\.snapshot.requests).reduce(0, +) == 50)
        let verdicts = list.explain(ruleRequest("other"), ruleInfo())
        #expect(verdicts.map(\.reason) == [.mismatch(.model), .holds])
        #expect(arms.map(\.snapshot.requests).reduce(0, +) == 50, "explaining counts nothing")
    }
}
