import Logging
import NIOPosix
import NeedletailCore
import NeedletailRouting
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("What groups have learned", .timeLimit(.minutes(5)))
struct LearnedMemoryTests {
    private static let yaml = """
        store: on
        providers:
          a: { type: mock, delay: 0s }
          b: { type: mock, delay: 0s }
        models:
          chat: { strategy: learned, targets: [a/m, b/m] }
          inner: { strategy: learned, targets: [b/m, a/m] }
          outer: { targets: [{ to: inner }, a/n] }
          tiers: { strategy: learned, tiers: { simple: [a/m, b/m], complex: [b/m, a/m] } }
        """

    private static func groups(_ process: GatewayProcess) -> [String: LearnedGroup] {
        Dictionary(uniqueKeysWithValues: process.stack.groups.allLearned.map { ($0.name, $0) })
    }

    private static func teach(_ group: LearnedGroup) {
        let question = RoutingQuestion(now: Instant(nanoseconds: 0), random: .seeded(1))
        for number in 0..<50 {
            let isWell = number % 5 != 0
            group.balancer.record(
                AttemptResult(isWell ? .success : .failure, latency: .milliseconds(10 * number)), of: number % 2,
                in: group.targets, for: question)
        }
    }

    private static func process(_ path: String, _ time: TimeSource) throws -> GatewayProcess {
        try GatewayProcess(
            ConfigurationLoader(types: .version, environment: [:]).load(file: path),
            .init(
                environment: [:], group: .singleton, time: time,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test("outlives the process, each group by itself")
    func restart() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("needletail.yaml", Self.yaml)
        let time = JumpingTime().source
        let first = try Self.process(path, time)
        let groups = Self.groups(first)
        #expect(Set(groups.keys) == ["chat", "inner", "outer > inner", "tiers (simple)", "tiers (complex)"])
        let fresh = groups.mapValues(\.memory)
        for name in ["chat", "outer > inner"] { Self.teach(try #require(groups[name])) }
        let taught = groups.mapValues(\.memory)
        #expect(taught["chat"] != fresh["chat"] && taught["inner"] == fresh["inner"])
        await first.drain()
        let second = try Self.process(path, time)
        #expect(Self.groups(second).mapValues(\.memory) == taught)
        await second.drain()
    }

    @Test("is handed on at a reload, by the targets' names")
    func reload() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("needletail.yaml", Self.yaml)
        let process = try Self.process(path, JumpingTime().source)
        Self.teach(try #require(Self.groups(process)["chat"]))
        let before = try #require(Self.groups(process)["chat"]).balancer
        let changed = Self.yaml.replacing(
            "chat: { strategy: learned, targets: [a/m, b/m] }",
            with: "chat: { strategy: learned, targets: [b/m, a/m], max_attempts: 2 }")
        _ = try folder.write("needletail.yaml", changed)
        process.reload("test")
        let after = try #require(Self.groups(process)["chat"])
        #expect(after.balancer !== before)
        let question = RoutingQuestion(now: Instant(nanoseconds: 0), random: .seeded(1))
        let two = TargetSet(count: 2)
        let old = before.scores(of: after.targets, among: two, for: question).sorted { $0.index < $1.index }
        let new = after.balancer.scores(of: after.targets, among: two, for: question).sorted { $0.index < $1.index }
        #expect(old.map(\.score) == new.reversed().map(\.score))
        #expect(old[0].score != old[1].score)
        await process.drain()
    }
}
