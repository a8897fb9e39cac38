import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Failover groups in Swift")
struct FailoverGroupTests {
    private static let down = NeedletailError(.upstreamFailed, "down")
    private let time = JumpingTime()

    private func member(
        _ name: ProviderID, fails: Bool = false, weight: Double = 1, priority: Int? = nil
    ) -> (FailoverMember, TimedProvider) {
        let provider = TimedProvider(name, failure: fails ? Self.down : nil, time: self.time.source)
        return (
            .provider(
                provider, model: "m-\(name)", priority: priority, weight: weight,
                retry: RetryPolicy(maximumAttempts: 1)), provider
        )
    }

    private func ask(_ router: Router) async throws -> InferenceReply {
        try await router.respond(to: .sample(), context: .testing())
    }

    @Test("members are asked in the order of the list, each for its own model")
    func order() async throws {
        let (one, first) = self.member("one", fails: true)
        let (two, second) = self.member("two")
        let group = FailoverGroup("chat", members: [one, two])
        let reply = try await self.ask(group.makeRouter(time: self.time.source, random: .seeded(1)))
        #expect(reply.provider == "two" && reply.model == "m-two")
        #expect(first.models == ["m-one"] && second.models == ["m-two"])
    }

    @Test("priorities say more than the list")
    func priorities() async throws {
        let (one, first) = self.member("one", priority: 5)
        let (two, _) = self.member("two", priority: 1)
        let group = FailoverGroup("chat", members: [one, two])
        #expect(
            try await self.ask(group.makeRouter(time: self.time.source, random: .seeded(1))).provider == "two")
        #expect(first.models.isEmpty)
    }

    @Test("groups may be members: turns go by member, and tries are counted once")
    func nested() async throws {
        let (one, first) = self.member("one", fails: true)
        let (two, second) = self.member("two", fails: true)
        let (three, third) = self.member("three", fails: true)
        let inner = FailoverGroup("inner", strategy: .roundRobin, members: [two, three])
        let group = FailoverGroup(
            "outer", members: [one, .group(inner)], options: RouterOptions(maximumAttempts: 2, retryBudget: nil))
        let router = try group.makeRouter(time: self.time.source, random: .seeded(1))
        await #expect(throws: NeedletailError.self) { try await self.ask(router) }
        #expect(first.models.count + second.models.count + third.models.count == 2)

        let (a, _) = self.member("a")
        let (b, _) = self.member("b")
        let (c, _) = self.member("c")
        let turns = FailoverGroup(
            "turns", strategy: .roundRobin,
            members: [a, .group(FailoverGroup("pair", strategy: .roundRobin, members: [b, c]))])
        let fair = try turns.makeRouter(time: self.time.source, random: .seeded(1))
        var counts: [ProviderID: Int] = [:]
        for _ in 0..<80 { counts[try await self.ask(fair).provider, default: 0] += 1 }
        #expect(counts == ["a": 40, "b": 20, "c": 20])
    }

    @Test("fallbacks answer when no member does")
    func fallbacks() async throws {
        let (one, _) = self.member("one", fails: true)
        let (spare, provider) = self.member("spare")
        let group = FailoverGroup("chat", members: [one], fallbacks: [spare])
        let reply = try await self.ask(group.makeRouter(time: self.time.source, random: .seeded(1)))
        #expect(reply.provider == "spare" && provider.models.count == 1)
    }

    @Test("a strategy of one's own chooses")
    func custom() async throws {
        struct Last: Balancer {
            func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
                candidates.max()
            }
        }
        let members = ["a", "b", "c"].map { self.member($0).0 }
        let group = FailoverGroup("chat", strategy: .custom(Last()), members: members)
        #expect(try await self.ask(group.makeRouter(time: self.time.source, random: .seeded(1))).provider == "c")
    }

    @Test("groups that share a table share what they know of a model")
    func shared() async throws {
        let table = DeploymentTable()
        let (one, _) = self.member("one", fails: true)
        for name in ["a", "b"] as [ProviderID] {
            let router = try FailoverGroup(name, members: [one])
                .makeRouter(deployments: table, time: self.time.source, random: .seeded(1))
            await #expect(throws: NeedletailError.self) { try await self.ask(router) }
        }
        #expect(table.all.count == 1 && table.all[0].statistics.snapshot().failures == 2)
    }

    @Test("what cannot be is said at once")
    func faults() {
        let (one, _) = self.member("one", weight: 0)
        let many = (0...TargetSet.capacity).map { self.member(ProviderID("p\($0)")).0 }
        for (group, words) in [
            (FailoverGroup("empty", members: []), "no members"),
            (FailoverGroup("outer", members: [.group(FailoverGroup("in", members: []))]), "'in' has no members"),
            (FailoverGroup("zero", strategy: .weighted, members: [one]), "sum to nothing"),
            (FailoverGroup("many", members: many), "at most \(TargetSet.capacity)"),
        ] {
            let error = #expect(throws: NeedletailError.self) { try group.makeRouter() }
            #expect(error?.code == .invalidRequest && error?.message.contains(words) == true)
        }
    }
}
