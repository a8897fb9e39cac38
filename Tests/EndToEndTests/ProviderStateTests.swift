import NeedletailGateway
import Testing

/// Conversations with reasoning and tools that move between providers, each of which refuses the signatures of the others.
@Suite("State of providers, end to end", .timeLimit(.minutes(15)))
struct ProviderStateTests {
    /// A model that calls a tool in each turn, and says something once the tool has answered.
    private static func script(failing: Int? = nil) -> MockScript {
        var rules: [MockRule] = []
        for turn in (1...3).reversed() {
            var answer = MockRule()
            answer.match.contains = "result \(turn)"
            answer.reply.reasoning = "I have seen \(turn)."
            answer.reply.text = "It was \(turn)."
            if turn == failing { answer.reply.status = 500 }
            var call = MockRule()
            call.match.contains = "Turn \(turn)"
            call.reply.reasoning = "I must look for \(turn)."
            call.reply.toolCalls = [.init(id: "call_\(turn)", name: "look", arguments: #"{"at":\#(turn)}"#)]
            rules += [answer, call]
        }
        return MockScript(delay: .zero, rules: rules)
    }

    private static func yaml(_ port: Int, spare: Int) -> String {
        """
        providers:
          claude: { type: anthropic, base_url: "http://127.0.0.1:\(port)", api_key: sk-c, retry: { max_attempts: 1 } }
          google: { type: gemini, base_url: "http://127.0.0.1:\(spare)/v1beta", api_key: sk-g }
          oai: { type: openai, base_url: "http://127.0.0.1:\(spare)", api_key: sk-o, api: responses }
        models:
          c: { targets: [claude/claude-sonnet-4-5] }
          g: { targets: [google/gemini-3-pro-preview] }
          o: { targets: [oai/gpt-5] }
          any: { targets: [claude/claude-sonnet-4-5, google/gemini-3-pro-preview], strategy: priority }
        """
    }

    /// Who is asked: two requests a turn, the second of which brings the tool's answer.
    private static let ways = ["cccccc", "gggggg", "oooooo", "cggccc", "gcoogc", "ocgocg", "coccgo"]

    /// What clients call what is left out of their requests.
    private static let names = [
        "messages.thinking_blocks", "messages.content.signature", "messages.content.thinking",
        "messages.content.redacted_thinking", "input.encrypted_content", "contents.parts.thoughtSignature",
    ]

    @Test(
        "A conversation moves between providers and back, and nobody refuses it", arguments: Self.ways,
        AgentClient.Surface.allCases)
    func moves(_ way: String, _ surface: AgentClient.Surface) async throws {
        try await withMock(Self.script()) { _, port in
            try await withGateway(Self.yaml(port, spare: port)) { gateway in
                for isStreaming in [false, true] {
                    var client = AgentClient(surface, isStreaming: isStreaming)
                    let connection = try await gateway.connect()
                    for (step, model) in way.enumerated() {
                        let turn = step / 2 + 1
                        if step.isMultiple(of: 2) { client.say("Turn \(turn)") }
                        let reply = try await connection.post(
                            client.path(String(model)), client.request(String(model)))
                        #expect(reply.status == 200, "\(way) \(step): \(reply.body)")
                        guard reply.status == 200 else { return }
                        let call = try client.take(reply.body)
                        #expect((call != nil) == step.isMultiple(of: 2), "\(way) \(step): \(reply.body)")
                        if let call { client.answer(call, "result \(turn)") }
                        let lossy = reply.headers["x-needletail-lossy"] ?? ""
                        let isMoved = Set(way.prefix(step + 1)).count > 1
                        let isReported = Self.names.contains { lossy.contains($0) }
                        #expect(isReported == isMoved, "\(way) \(step): \(lossy)")
                    }
                }
            }
        }
    }

    @Test("A failover in the middle of a turn goes on without the first one's reasoning", arguments: [false, true])
    func failsOver(isStreaming: Bool) async throws {
        try await withMock(Self.script(failing: 1)) { _, port in
            try await withMock(Self.script()) { _, spare in
                try await withGateway(Self.yaml(port, spare: spare)) { gateway in
                    for surface in AgentClient.Surface.allCases {
                        var client = AgentClient(surface, isStreaming: isStreaming)
                        let connection = try await gateway.connect()
                        for (step, provider) in ["claude", "google", "claude", "claude"].enumerated() {
                            let turn = step / 2 + 1
                            if step.isMultiple(of: 2) { client.say("Turn \(turn)") }
                            let reply = try await connection.post(client.path("any"), client.request("any"))
                            #expect(reply.status == 200, "\(surface) \(step): \(reply.body)")
                            guard reply.status == 200 else { return }
                            #expect(reply.headers["x-needletail-provider"] == provider)
                            if let call = try client.take(reply.body) { client.answer(call, "result \(turn)") }
                        }
                    }
                }
            }
        }
    }
}
