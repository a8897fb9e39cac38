import NeedletailGateway
import Testing

@Suite("Routing", .timeLimit(.minutes(15)))
struct RoutingTests {
    private static let providers = """
        providers:
          a: { type: mock, delay: 0s }
          b: { type: mock, delay: 0s, weight: 3 }
          c: { type: mock, delay: 0s }

        """

    /// Which provider answers each of the requests.
    private func answers(
        _ group: String, _ requests: [(body: String, headers: [String])]
    ) async throws -> [String] {
        try await withGateway(Self.providers + "models: { chat: { \(group) } }") { gateway in
            let connection = try await gateway.connect()
            var answers: [String] = []
            for request in requests {
                let reply = try await connection.post(Surface.openAI.path, request.body, request.headers)
                #expect(reply.status == 200, "\(reply.body)")
                answers.append(reply.headers["x-needletail-provider"] ?? "")
            }
            return answers
        }
    }

    private static func count(_ answers: [String]) -> [String: Int] {
        Dictionary(answers.map { ($0, 1) }, uniquingKeysWith: +)
    }

    private let plain = (body: Surface.openAI.request("chat", stream: false), headers: [String]())

    @Test("weights are shares, and a strategy is what the configuration says")
    func weighted() async throws {
        let requests = Array(repeating: self.plain, count: 20)
        let weighted = try await self.answers(
            "strategy: weighted, targets: [a/m, b/m, { to: c/m, weight: 0 }]", requests)
        #expect(Self.count(weighted) == ["a": 5, "b": 15])
        let turns = try await self.answers("strategy: round_robin, targets: [a/m, b/m]", requests)
        #expect(turns == (0..<20).map { $0 % 2 == 0 ? "a" : "b" })
    }

    @Test(
        "every strategy answers",
        arguments: [
            "least_loaded", "fastest_first", "latency_weighted", "load_balanced", "cost_optimal", "adaptive", "learned",
        ])
    func strategies(name: String) async throws {
        let answers = try await self.answers(
            "strategy: \(name), targets: [a/m, b/m], health_threshold: 0.5", Array(repeating: self.plain, count: 6))
        #expect(Set(answers).isSubset(of: ["a", "b"]) && answers.count == 6)
    }

    @Test("a session stays with its target, and sessions are spread")
    func sticky() async throws {
        let requests = (0..<60).map { (body: self.plain.body, headers: ["x-session: s\($0 % 20)"]) }
        let answers = try await self.answers(
            "strategy: round_robin, targets: [a/m, b/m, c/m], sticky: { header: x-session }", requests)
        #expect(Array(answers[..<20]) == Array(answers[20..<40]) && Array(answers[..<20]) == Array(answers[40...]))
        #expect(Set(answers).count > 1)
    }

    @Test("a conversation stays with its target while it grows")
    func conversation() async throws {
        func body(_ number: Int, turns: Int) -> String {
            let turn = #"{"role":"assistant","content":"ok"},{"role":"user","content":"go on"}"#
            let rest = Array(repeating: turn, count: turns)
            let messages = [#"{"role":"user","content":"question \#(number)"}"#] + rest
            return #"{"model":"chat","messages":[\#(messages.joined(separator: ","))]}"#
        }
        let requests = (0..<40).map { (body: body($0 % 20, turns: $0 / 20), headers: [String]()) }
        let answers = try await self.answers(
            "strategy: round_robin, targets: [a/m, b/m, c/m], sticky: conversation", requests)
        #expect(Array(answers[..<20]) == Array(answers[20...]))
        #expect(Set(answers).count > 1)
    }
}
