import NIOCore
import NeedletailGateway
import Testing

/// `contract:` of a group: answers that say nothing, or not what was asked for, are failures of their target.
@Suite("Reply contracts", .timeLimit(.minutes(15)))
struct ReplyContractTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var contract: String
        /// What the first target says, and why it stops.
        var text: String
        var stop = "stop"
        /// Whether JSON of a schema is asked for.
        var asksForJSON = true
        /// Whether the second target is asked.
        var fails: Bool
        var testDescription: String { "\(self.contract): '\(self.text)', \(self.stop)" }
    }

    static let cases = [
        Case(contract: "{}", text: "", asksForJSON: false, fails: false),
        Case(contract: "{ empty: fail }", text: "", asksForJSON: false, fails: true),
        Case(contract: "{ empty: fail }", text: " \\n", asksForJSON: false, fails: true),
        Case(contract: "{ empty: fail }", text: "said", asksForJSON: false, fails: false),
        Case(contract: "{ json: fail }", text: "no JSON", asksForJSON: false, fails: false),
        Case(contract: "{ json: pass }", text: "no JSON", fails: false),
        Case(contract: "{ json: fail }", text: "no JSON", fails: true),
        Case(contract: "{ json: fail }", text: #"{\"city\":\"Bonn\"}"#, fails: false),
        Case(contract: "{ json: fail }", text: #"{\"city\":1}"#, fails: true),
        Case(contract: "{ json: fail }", text: #"{\"town\":\"Bonn\"}"#, fails: true),
        Case(contract: "{ json: fail }", text: #"{\"city\":\"Bo"#, stop: "length", fails: false),
        Case(contract: "{ truncated: fail }", text: #"{\"city\":\"Bo"#, stop: "length", fails: true),
        Case(contract: "{ truncated: fail }", text: #"{\"city\":\"Bonn\"}"#, stop: "length", fails: false),
        Case(contract: "{ truncated: fail }", text: "no JSON", fails: false),
    ]

    private static let schema =
        #","response_format":{"type":"json_schema","json_schema":{"name":"place","schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}"#

    @Test("a whole answer that breaks the contract is answered by the next target", arguments: Self.cases)
    func whole(example: Case) async throws {
        let said =
            #"{"id":"c-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"\#(example.text)"},"finish_reason":"\#(example.stop)"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#
        var first = MockRule()
        first.match.model = "first"
        first.reply.raw = .init(bytes: ByteBuffer(string: said), contentType: "application/json")
        try await withMock(MockScript(delay: .zero, rules: [first])) { engine, port in
            try await withGateway(Self.yaml(port, example.contract)) { gateway in
                let body = Surface.openAI.request("chat", example.asksForJSON ? Self.schema : "")
                let reply = try await gateway.connect().post(Surface.openAI.path, body)
                #expect(reply.status == 200, "\(reply.body)")
                #expect(reply.headers["x-needletail-attempts"] == (example.fails ? "2" : "1"), "\(reply.body)")
                #expect(reply.headers["x-needletail-model"] == (example.fails ? "second" : "first"))
            }
        }
    }

    @Test("a stream that ends without content is answered by the next target", arguments: [true, false])
    func stream(isDemanded: Bool) async throws {
        let chunk =
            #"{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":"#
        let said =
            "data: \(chunk)\(#"{"role":"assistant","content":""},"finish_reason":null}]}"#)\n\n"
            + "data: \(chunk)\(#"{},"finish_reason":"stop"}]}"#)\n\ndata: [DONE]\n\n"
        var first = MockRule()
        first.match.model = "first"
        first.reply.raw = .init(bytes: ByteBuffer(string: said), contentType: "text/event-stream")
        try await withMock(MockScript(delay: .zero, rules: [first])) { engine, port in
            try await withGateway(Self.yaml(port, "{ empty: \(isDemanded ? "fail" : "pass") }")) { gateway in
                let body = Surface.openAI.request("chat", stream: true)
                let reply = try await gateway.connect().post(Surface.openAI.path, body)
                #expect(reply.headers["x-needletail-model"] == (isDemanded ? "second" : "first"))
                #expect(reply.body.hasSuffix("data: [DONE]\n\n"), "\(reply.body)")
            }
        }
    }

    private static func yaml(_ port: Int, _ contract: String) -> String {
        """
        providers:
          one:
            type: openai-compatible
            base_url: http://127.0.0.1:\(port)
            api_key: sk-1
            retry: { max_attempts: 1 }
        models:
          chat: { targets: [one/first, one/second], contract: \(contract) }
        """
    }
}
