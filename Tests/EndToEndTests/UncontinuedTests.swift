import NeedletailCore
import NeedletailGateway
import Testing

/// Streams that break where nothing goes on from the text itself: what the client is told then.
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
        "several choices and log probabilities are not gone on with after the first text",
        arguments: [#""n":2"#, #""logprobs":true"#])
    func never(_ member: String) async throws {
        try await withMock(Self.broken()) { first, firstPort in
            try await withMock(MockScript(delay: .zero)) { second, secondPort in
                try await withGateway(Self.yaml(firstPort, secondPort, "continue")) { gateway in
                    let reply = try await gateway.connect().post(
                        "/v1/chat/completions",
                        #"{"model":"chat","stream":true,\#(member),"messages":[{"role":"user","content":"hello"}]}"#,
                        ["x-needletail-explain: true"])
                    #expect(reply.status == 200 && reply.body.contains(#""error":{"#), "\(reply.body)")
                    #expect(!reply.body.contains("[DONE]"))
                    #expect(first.statistics.total.requests == 1 && second.statistics.total.requests == 0)
                    let decision = try #require(reply.headers["x-needletail-decision"])
                    #expect(decision.contains("mid_stream=restart("), "\(decision)")
                }
            }
        }
    }

    @Test(
        "structured output goes on with an answer that begins as the broken one did, and with no other",
        arguments: [true, false])
    func structured(isSame: Bool) async throws {
        let (text, other) = (#"{"colours": ["red", "green"], "n": 2}"#, #"{"shades": ["blue"], "n": 1}"#)
        func script(_ text: String, breaks: Bool) -> MockScript {
            var rule = MockRule()
            rule.reply.text = text
            rule.reply.chunks = 8
            if breaks { rule.fault = MockFault(at: .chunk(4), kind: .reset) }
            return MockScript(delay: .zero, rules: [rule])
        }
        try await withMock(script(text, breaks: true)) { first, firstPort in
            try await withMock(script(isSame ? text : other, breaks: false)) { second, secondPort in
                try await withGateway(Self.yaml(firstPort, secondPort, "continue")) { gateway in
                    let body =
                        #"{"model":"chat","stream":true,"response_format":{"type":"json_object"},"#
                        + #""messages":[{"role":"user","content":"json, please"}]}"#
                    let reply = try await gateway.connect().post(
                        "/v1/chat/completions", body, ["x-needletail-explain: true"])
                    var said = ""
                    for line in reply.body.split(separator: "\n") where line.hasPrefix("data: {") {
                        let root = try JSONText(String(line.dropFirst(6))).view()
                        said += root["choices"]?.elements.first { _ in true }?["delta"]?["content"]?.string ?? ""
                    }
                    #expect(isSame ? said == text : !said.isEmpty && text.hasPrefix(said), "\(reply.body)")
                    #expect(reply.body.contains("[DONE]") == isSame)
                    #expect(reply.body.contains(#""error":{"#) == !isSame)
                    #expect(first.statistics.total.requests == 1 && second.statistics.total.requests == 1)
                    let decision = try #require(reply.headers["x-needletail-decision"])
                    #expect(decision.contains("mid_stream=repeat(structured_output)"), "\(decision)")
                    let explained = try await TestClient.connect(gateway.adminPort).post(
                        "/admin/v1/explain", #"{"request":\#(body)}"#)
                    #expect(
                        explained.body.contains(#""mid_stream":{"policy":"repeat","because":"structured_output"}"#),
                        "\(explained.body)")
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
