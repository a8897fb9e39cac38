import HTTPTypes
import NeedletailCore
import NeedletailRouting
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Layout of groups")
struct GroupLayoutTests {
    /// The layout of the group `g`, and targets as it says.
    private static func layout(_ models: String) throws -> (layout: GroupLayout, targets: [Target]) {
        let providers =
            "providers: { a: { type: mock }, b: { type: mock, weight: 3, priority: 5 }, c: { type: mock } }\n"
        let configuration = try Fixture.load(providers + "models: " + models)
        let group = try #require(configuration.group("g"))
        let layout = GroupLayout(
            group, of: configuration,
            providers: Dictionary(uniqueKeysWithValues: configuration.providers.map { ($0.name, $0) }))
        let targets = layout.places.map { place in
            Target(
                ScriptedProvider(ProviderID(place.provider)), model: place.model, priority: place.priority,
                weight: place.weight)
        }
        return (layout, targets)
    }

    private static func counts(_ made: (layout: GroupLayout, targets: [Target]), _ count: Int) -> [Int] {
        var counts = Array(repeating: 0, count: made.targets.count)
        let question = RoutingQuestion(now: Instant(nanoseconds: 1), random: .seeded(1))
        for _ in 0..<count {
            let index = made.layout.balancer.pick(
                from: made.targets, among: TargetSet(count: made.targets.count), for: question)
            if let index { counts[index] += 1 }
        }
        return counts
    }

    @Test("a target's weight and priority are its own, else its provider's")
    func own() throws {
        let made = try Self.layout("{ g: { targets: [a, b, { to: b/m, weight: 0.5, priority: 2 }] } }")
        #expect(made.layout.places.map(\.weight) == [1, 3, 0.5])
        #expect(made.layout.places.map(\.priority) == [1, 5, 2])
        #expect(made.layout.places.map(\.model) == [nil, nil, "m"])
    }

    @Test("an inner group's targets share the group's weight")
    func scaled() throws {
        let made = try Self.layout(
            "{ g: { strategy: weighted, targets: [a, { to: i, weight: 2 }] }, i: { strategy: weighted, targets: [b, c] } }"
        )
        #expect(made.layout.places.map(\.weight) == [1, 1.5, 0.5])
        #expect(Self.counts(made, 600) == [200, 300, 100])
    }

    @Test("an inner group has one turn, and its own strategy")
    func turns() throws {
        let made = try Self.layout(
            "{ g: { strategy: round_robin, targets: [a, i] }, i: { strategy: round_robin, targets: [b, c] } }")
        #expect(Self.counts(made, 400) == [200, 100, 100])
    }

    @Test("priorities count within their group: the inner group's first comes where the group stands")
    func priorities() throws {
        let made = try Self.layout(
            """
            { g: { targets: [{ to: i, priority: 2 }, { to: a, priority: 1 }, { to: c, priority: 3 }] },
              i: { targets: [{ to: b, priority: 9 }, { to: c/m, priority: 8 }] } }
            """)
        #expect(made.layout.places.map(\.provider) == ["b", "c", "a", "c"])
        #expect(made.layout.places.map(\.priority) == [2, 1, 0, 3])
    }

    @Test("three levels deep, and what is switched off is left out")
    func deep() throws {
        let made = try Self.layout(
            """
            { g: { strategy: weighted, targets: [h, a] }, h: { strategy: weighted, targets: [i, b, off] },
              i: { strategy: round_robin, targets: [c, c/m] }, off: { enabled: false, targets: [a] } }
            """)
        #expect(made.layout.places.map(\.provider) == ["c", "c", "b", "a"])
        #expect(made.layout.places.map(\.weight) == [0.125, 0.125, 0.75, 1])
        #expect(Self.counts(made, 800) == [50, 50, 300, 400])
    }

    @Test(
        "sticky and affinity are read",
        arguments: [
            ("sticky: conversation", AffinityRule.conversation), ("affinity: prompt_cache", .promptCache),
            ("sticky: { header: X-Session }", HTTPField.Name("x-session").map { .header($0) }), ("slow_start: 0s", nil),
        ])
    func affinity(setting: String, rule: AffinityRule?) throws {
        let configuration = try Fixture.load(
            "providers: { a: { type: mock } }\nmodels: { g: { targets: [a], \(setting) } }")
        #expect(configuration.group("g")?.affinity == rule)
        #expect(configuration.warnings.isEmpty)
    }

    @Test("every strategy of the schema is one of the code, and the other way round")
    func strategies() {
        #expect(Set(ConfigurationSchema.strategies) == Set(GroupConfiguration.Strategy.allCases.map(\.rawValue)))
    }

    @Test("weights of adaptive and learned are read")
    func sections() throws {
        let configuration = try Fixture.load(
            """
            providers: { a: { type: mock } }
            models:
              g: { strategy: adaptive, targets: [a], adaptive: { latency: 2, cost: 0 }, slow_start: 5s }
              h: { strategy: learned, targets: [a], learned: { cost: 0.5, floor: 0.1 } }
            """)
        #expect(configuration.group("g")?.adaptive == AdaptiveBalancer.Weights(latency: 2, cost: 0))
        #expect(configuration.group("g")?.slowStart == .seconds(5))
        #expect(configuration.group("h")?.learned == LearnedConfiguration(cost: 0.5, floor: 0.1))
        #expect(configuration.group("h")?.slowStart == .seconds(30))
    }
}
