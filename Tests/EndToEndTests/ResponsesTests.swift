import NeedletailCore
import NeedletailGateway
import Testing

/// `/v1/responses` through a whole gateway, before upstreams of every kind.
@Suite("Responses, end to end", .timeLimit(.minutes(15)))
struct ResponsesTests {
    private static let script = MockScript(usage: MockUsage(input: 12, output: 34), delay: .zero)

    private static func yaml(_ type: String, _ port: Int, _ more: String = "") -> String {
        """
        providers:
          up: { type: \(type), base_url: "http://127.0.0.1:\(port)", api_key: sk-test\(more) }
        models:
          m: { targets: [up/real-model] }
        """
    }

    /// The parts of an SSE stream: name and data of each event.
    private static func events(_ body: String) -> [(name: String, data: JSONView)] {
        body.split(separator: "\n\n").compactMap { event in
            let lines = event.split(separator: "\n")
            guard lines.count == 2, let data = try? JSONText(String(lines[1].dropFirst(6))).view() else { return nil }
            return (String(lines[0].dropFirst(7)), data)
        }
    }

    private static func json(_ reply: TestClient.Reply) throws -> JSONView { try JSONText(reply.body).view() }

    static let upstreams = ["openai", "anthropic", "openai-compatible"]

    @Test("A whole response and a stream say the same", arguments: Self.upstreams)
    func answers(_ type: String) async throws {
        try await withMock(Self.script) { _, port in
            try await withGateway(Self.yaml(type, port)) { gateway in
                let client = try await gateway.connect()
                let whole = try await client.post("/v1/responses", #"{"model":"m","input":"hello"}"#)
                #expect(whole.status == 200)
                let response = try Self.json(whole)
                #expect(response["object"]?.string == "response")
                #expect(response["status"]?.string == "completed")
                #expect(response["usage"]?["output_tokens"]?.int == 34)
                let stream = try await client.post("/v1/responses", #"{"model":"m","input":"hello","stream":true}"#)
                #expect(stream.headers["content-type"] == "text/event-stream; charset=utf-8")
                let events = Self.events(stream.body)
                #expect(events.map(\.name) == events.map { $0.data["type"]?.string ?? "" })
                #expect(events.map { $0.data["sequence_number"]?.int } == Array(0..<events.count))
                #expect(events.first?.name == "response.created")
                #expect(events.last?.name == "response.completed")
                let text = events.compactMap {
                    $0.name == "response.output_text.delta" ? $0.data["delta"]?.string : nil
                }.joined()
                #expect(text.hasPrefix("This is a mock answer"))
                let last = events.last?.data["response"]
                #expect(last?["usage"]?["input_tokens"]?.int == 12)
                let said = last?["output"]?.elements.first { _ in true }?["content"]?.elements.first { _ in true }
                #expect(said?["text"]?.string == text)
            }
        }
    }

    /// What a coding agent sends; with the answers of its tools the second time.
    private static func agent(_ more: String = "") -> String {
        #"""
        {"model":"m","instructions":"Be brief.","store":false,"stream":true,"tool_choice":{"type":"custom","name":"patch"},
         "parallel_tool_calls":false,"include":["reasoning.encrypted_content"],
         "tools":[{"type":"function","name":"shell","strict":false,"parameters":{"type":"object","properties":{}}},
                  {"type":"custom","name":"patch","description":"Edits files",
                   "format":{"type":"grammar","syntax":"lark","definition":"start: /.+/"}},{"type":"web_search"}],
         "input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"fix it"}]}\#(more)]}
        """#
    }

    @Test("A coding agent calls its free-text tool and answers it", arguments: Self.upstreams)
    func agent(_ type: String) async throws {
        try await withMock(Self.script) { _, port in
            try await withGateway(Self.yaml(type, port)) { gateway in
                let client = try await gateway.connect()
                let first = try await client.post("/v1/responses", Self.agent())
                #expect(first.status == 200, "\(first.body)")
                let done = Self.events(first.body).filter { $0.name == "response.output_item.done" }
                let call = try #require(done.first { $0.data["item"]?["type"]?.string == "custom_tool_call" }).data
                #expect(call["item"]?["name"]?.string == "patch")
                #expect(call["item"]?["input"]?.string?.contains("mock") == true)
                let id = try #require(call["item"]?["call_id"]?.string)
                let items = done.compactMap { $0.data["item"]?.text.description }.joined(separator: ",")
                let answer = #","# + items + #",{"type":"custom_tool_call_output","call_id":"\#(id)","output":"Done"}"#
                let body = Self.agent(answer).replacing(#""tool_choice":{"type":"custom","name":"patch"},"#, with: "")
                let second = try await client.post("/v1/responses", body)
                #expect(second.status == 200, "\(second.body)")
                #expect(second.body.contains("The tools said"))
                #expect(Self.events(second.body).last?.name == "response.completed")
            }
        }
    }

    @Test("A conversation goes on from an id that the gateway keeps", arguments: ["anthropic", "openai-compatible"])
    func continues(_ type: String) async throws {
        try await withMock(Self.script) { engine, port in
            try await withGateway(Self.yaml(type, port)) { gateway in
                let client = try await gateway.connect()
                let first = try Self.json(
                    try await client.post("/v1/responses", #"{"model":"m","input":"my name is Ada"}"#))
                let id = try #require(first["id"]?.string)
                let body = #"{"model":"m","input":"who am I","previous_response_id":"\#(id)","stream":true}"#
                let second = try await client.post("/v1/responses", body)
                let last = try #require(Self.events(second.body).last?.data["response"])
                #expect(last["previous_response_id"]?.string == id)
                let next = try #require(last["id"]?.string)
                let items = try Self.json(try await client.ask("GET", "/v1/responses/\(next)/input_items"))
                #expect(items["data"]?.elements.map { $0["role"]?.string } == ["user"])
                let kept = try await client.ask("GET", "/v1/responses/\(next)")
                #expect(try Self.json(kept)["output"]?.text.description == last["output"]?.text.description)
                #expect(try Self.json(try await client.ask("DELETE", "/v1/responses/\(next)"))["deleted"]?.bool == true)
                #expect(try await client.ask("GET", "/v1/responses/\(next)").status == 404)
                let gone = try await client.post(
                    "/v1/responses", #"{"model":"m","input":"x","previous_response_id":"\#(next)"}"#)
                #expect(gone.status == 400)
                #expect(try Self.json(gone)["error"]?["param"]?.string == "previous_response_id")
                #expect(engine.statistics.total.completed == 2)
            }
        }
    }

    @Test("What goes on from a provider's own id goes to the provider that issued it")
    func pinned() async throws {
        try await withMock(Self.script) { one, onePort in
            try await withMock(Self.script) { two, twoPort in
                let yaml = """
                    providers:
                      one: { type: openai, base_url: "http://127.0.0.1:\(onePort)", api_key: sk-test }
                      two: { type: openai, base_url: "http://127.0.0.1:\(twoPort)", api_key: sk-test }
                    models:
                      m: { strategy: round_robin, targets: [one/x, two/x] }
                    """
                try await withGateway(yaml) { gateway in
                    let client = try await gateway.connect()
                    let reply = try await client.post("/v1/responses", #"{"model":"m","input":"hello"}"#)
                    let issuer = try #require(reply.headers["x-needletail-provider"])
                    let id = try #require(try Self.json(reply)["id"]?.string)
                    for _ in 0..<4 {
                        let next = try await client.post(
                            "/v1/responses", #"{"model":"m","input":"on","previous_response_id":"\#(id)"}"#)
                        #expect(next.headers["x-needletail-provider"] == issuer)
                    }
                    let counts = [one, two].map { $0.statistics.total.completed }.sorted()
                    #expect(counts == [0, 5])
                }
            }
        }
    }

    @Test("One key never reaches another's response")
    func tenants() async throws {
        try await withMock(Self.script) { _, port in
            let keys = """

                keys:
                  - { name: alice, key: sk-alice, models: ["*"] }
                  - { name: bob, key: sk-bob, models: ["*"] }
                """
            try await withGateway(Self.yaml("openai-compatible", port) + keys) { gateway in
                let client = try await gateway.connect()
                let alice = ["authorization: Bearer sk-alice"]
                let bob = ["authorization: Bearer sk-bob"]
                let reply = try await client.post("/v1/responses", #"{"model":"m","input":"secret"}"#, alice)
                let id = try #require(try Self.json(reply)["id"]?.string)
                #expect(try await client.ask("GET", "/v1/responses/\(id)", bob).status == 404)
                #expect(try await client.ask("DELETE", "/v1/responses/\(id)", bob).status == 404)
                let body = #"{"model":"m","input":"x","previous_response_id":"\#(id)"}"#
                #expect(try await client.post("/v1/responses", body, bob).status == 400)
                #expect(try await client.ask("GET", "/v1/responses/\(id)", alice).status == 200)
                #expect(try await client.ask("GET", "/v1/responses/\(id)").status == 401)
            }
        }
    }

    @Test("Methods and tools that are not there are refused in the dialect's words")
    func refusals() async throws {
        try await withMock(Self.script) { engine, port in
            try await withGateway(Self.yaml("openai-compatible", port)) { gateway in
                let client = try await gateway.connect()
                let search = try await client.post(
                    "/v1/responses", #"{"model":"m","input":"x","tools":[{"type":"web_search"}]}"#)
                #expect(search.status == 400)
                #expect(try Self.json(search)["error"]?["param"]?.string == "tools")
                #expect(try Self.json(search)["error"]?["message"]?.string?.contains("web_search") == true)
                let put = try await client.ask("PUT", "/v1/responses/resp_1")
                #expect(put.status == 405)
                #expect(put.headers["allow"] == "GET, DELETE, OPTIONS")
                #expect(try await client.ask("DELETE", "/v1/responses/resp_1/input_items").status == 405)
                #expect(engine.statistics.total.completed == 0)
            }
        }
    }

    @Test("A stream that breaks ends with an error event that is numbered on", arguments: Self.upstreams)
    func breaks(_ type: String) async throws {
        var script = Self.script
        var rule = MockRule()
        rule.fault = MockFault(at: .chunk(4), kind: .reset)
        script.rules = [rule]
        try await withMock(script) { _, port in
            try await withGateway(Self.yaml(type, port)) { gateway in
                let client = try await gateway.connect()
                let reply = try await client.post("/v1/responses", #"{"model":"m","input":"hello","stream":true}"#)
                let events = Self.events(reply.body)
                #expect(reply.isWhole)
                // OpenAI's SDKs look at the one, Codex at the other.
                #expect(events.suffix(2).map(\.name) == ["error", "response.failed"])
                #expect(events.last?.data["response"]?["error"]?["code"]?.string == "provider_error")
                #expect(events.map { $0.data["sequence_number"]?.int } == Array(0..<events.count))
                #expect(!reply.body.contains("response.completed"))
            }
        }
    }
}
