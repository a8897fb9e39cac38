import NeedletailCore
import NeedletailGateway
import Testing

/// Streams that break where nothing goes on: what the client is told then.
@Suite("Streams that are not continued", .timeLimit(.minutes(5)))
struct UncontinuedTests {
    private static func broken() -> MockScript {
        var rule = MockRule()
        rule.match.model = "m"
        rule.reply.text = "one two three four five six seven eight"
        rule.reply.chunks = 8
        rule.fault = MockFault(at: .chunk(4), kind: .reset)
        return MockScript(delay: .zero, rules: [rule])
    }

    private static func yaml(_ first: Int, _ second: Int, _ policy: String) -> String {
        """
        providers:
          first: { type: openai-compatible, base_url: "http://127.0.0.1:\(first)", api_key: sk-a }
          second: { type: openai-compatible, base_url: "http://127.0.0.1:\(second)", api_key: sk-b }
        models:
          chat: { mid_stream: \(policy), targets: [first/m, second/good] }

        """
    }

    @Test(
        "several choices are never continued, structured output not after its first text",
        arguments: [#""n":2"#, #""response_format":{"type":"json_object"}"#])
    func never(_ member: String) async throws {
        try await withMock(Self.broken()) { first, firstPort in
            try await withMock(MockScript(delay: .zero)) { second, secondPort in
                try await withGateway(Self.yaml(firstPort, secondPort, "continue")) { gateway in
                    let reply = try await gateway.connect().post(
                        "/v1/chat/completions",
                        #"{"model":"chat","stream":true,\#(member),"messages":[{"role":"user","content":"json, please"}]}"#
                    )
                    #expect(reply.status == 200 && reply.body.contains(#""error":{"#), "\(reply.body)")
                    #expect(!reply.body.contains("[DONE]"))
                    #expect(first.statistics.total.requests == 1 && second.statistics.total.requests == 0)
                }
            }
        }
    }

    @Test("a response that fails has the id that it began with", arguments: ["chat", "responses"])
    func failedResponse(_ api: String) async throws {
        try await withMock(Self.broken()) { _, port in
            let yaml = """
                providers:
                  first: { type: openai, base_url: "http://127.0.0.1:\(port)", api_key: sk-a, api: \(api) }

                """
            try await withGateway(yaml) { gateway in
                let reply = try await gateway.connect().post(
                    "/v1/responses", #"{"model":"first/m","stream":true,"input":"hello"}"#)
                var ids: [String: String] = [:]
                for line in reply.body.split(separator: "\n") where line.hasPrefix("data: {") {
                    let root = try JSONText(String(line.dropFirst(6))).view()
                    guard let type = root["type"]?.string, let id = root["response"]?["id"]?.string else { continue }
                    ids[type] = id
                }
                let created = try #require(ids["response.created"], "\(reply.body)")
                #expect(ids["response.failed"] == created, "\(reply.body)")
            }
        }
    }
}
