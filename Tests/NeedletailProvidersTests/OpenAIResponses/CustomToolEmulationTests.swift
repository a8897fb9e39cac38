import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Tools with free text where there are only functions")
struct CustomToolEmulationTests {
    private static let request = OpenAIResponsesRequestTests.agent

    private static let messagesReply = #"""
        {"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"t1",
         "name":"patch","input":{"input":"line \"one\"\nline two"}}],"stop_reason":"tool_use","stop_sequence":null,
         "usage":{"input_tokens":3,"output_tokens":1}}
        """#

    private static let messagesStream = """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"patch","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"input\\":\\"line "}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"one\\"}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":4}}

        event: message_stop
        data: {"type":"message_stop"}


        """

    @Test("A coding agent's request reaches Anthropic with functions, and the call comes back as free text")
    func anthropicWhole() async throws {
        let bench = Bench(.anthropic) { _ in json(Self.messagesReply) }
        let reply = try await bench.ask(
            Self.request.replacing(#""stream":true,"#, with: ""), .openAIResponses, model: "claude-sonnet-4-5")
        let sent = try JSONDocument(try bench.sent.body).root
        let tools = try #require(sent["tools"]).elements.map { $0 }
        #expect(tools.map { $0["name"]?.string } == ["shell", "patch"])
        #expect(tools[1]["input_schema"]?["properties"]?["input"]?["type"]?.string == "string")
        #expect(tools[1]["description"]?.string?.contains("start: /.+/") == true)
        let call = sent["messages"]?.elements.flatMap { $0["content"]?.elements.map { $0 } ?? [] }
            .first { $0["name"]?.string == "patch" }
        #expect(call?["input"]?["input"]?.string == "*** Begin")
        #expect(reply.losses.contains { $0.field == "tools.format" })
        guard case .complete(let body, _) = reply.body else { throw NeedletailError(.internalFailure, "no reply") }
        let item = try #require(try JSONDocument(body.bytes).root["output"]?.elements.first { _ in true })
        #expect(item["type"]?.string == "custom_tool_call")
        #expect(item["input"]?.string == "line \"one\"\nline two")
        #expect(item["call_id"]?.string == "t1")
    }

    @Test("The same as a stream, however it is cut", arguments: [1, 50, 100_000])
    func anthropicStream(_ size: Int) async throws {
        let bench = Bench(.anthropic) { _ in sse(Self.messagesStream, splitEvery: size) }
        let reply = try await bench.ask(Self.request, .openAIResponses, model: "claude-sonnet-4-5")
        let (text, failure) = try await collect(reply)
        #expect(failure == nil)
        let events = OpenAIResponsesRecordings.events(text)
        OpenAIResponsesEventRules.check(events)
        let naive = OpenAIResponsesNaiveReply(events: events)
        #expect(naive.calls == ["t1 patch line one"])
        #expect(naive.outputTokens == 4)
        #expect((events[0]["response"] as? [String: Any])?["store"] as? Bool == false)
    }

    @Test("A server of chat completions gets functions too, unless it is known to take free text")
    func chat() async throws {
        let answer = #"""
            {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":
             "assistant","content":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"patch",
             "arguments":"{\"input\":\"x\"}"}}]},"finish_reason":"tool_calls"}]}
            """#
        let bench = Bench(.openAICompatible) { _ in json(answer) }
        let reply = try await bench.ask(Self.request.replacing(#""stream":true,"#, with: ""), .openAIResponses)
        let sent = try JSONDocument(try bench.sent.body).root
        #expect(sent["tools"]?.elements.map { $0["type"]?.string } == ["function", "function"])
        guard case .complete(let body, _) = reply.body else { throw NeedletailError(.internalFailure, "no reply") }
        let item = try #require(try JSONDocument(body.bytes).root["output"]?.elements.first { _ in true })
        #expect(item["type"]?.string == "custom_tool_call")
        #expect(item["input"]?.string == "x")

        var options = HTTPProvider.Options(keys: [("sk", 1)])
        options.dialect = .openAIChat
        let native = Bench(.openAI, options: options) { _ in json(answer) }
        _ = try await native.ask(Self.request.replacing(#""stream":true,"#, with: ""), .openAIResponses)
        let tools = try JSONDocument(try native.sent.body).root["tools"]?.elements.map { $0 }
        #expect(tools?.map { $0["type"]?.string } == ["function", "custom"])
        #expect(tools?[1]["custom"]?["format"]?["grammar"]?["syntax"]?.string == "lark")
    }

    @Test(
        "What refers to state of a provider is refused by every other",
        arguments: [
            #""previous_response_id":"resp_1""#, #""tools":[{"type":"web_search"}]"#,
        ])
    func essentials(_ member: String) async throws {
        let bench = Bench(.openAICompatible) { _ in json("{}") }
        do {
            _ = try await bench.ask(#"{"model":"m","input":"hi",\#(member)}"#, .openAIResponses)
            Issue.record("not refused")
        } catch let error as NeedletailError {
            #expect(error.code == .unsupported)
            #expect(error.parameter == member.split(separator: "\"").first.map(String.init))
        }
        #expect(bench.transport.requests.isEmpty)
    }

    @Test("A client of responses reaches a server of responses with its bytes")
    func passthrough() async throws {
        let answer = #"{"id":"resp_1","object":"response","status":"completed","output":[],"new":  1}"#
        let bench = Bench(.openAI) { _ in json(answer) }
        let body = #"{ "model":"m", "input":"hi","previous_response_id":"resp_0","tools":[{"type":"web_search"}] }"#
        let reply = try await bench.ask(body, .openAIResponses)
        #expect(try bench.sent.path == "/v1/responses")
        #expect(String(buffer: try bench.sent.body) == body)
        guard case .complete(let bytes, _) = reply.body else { throw NeedletailError(.internalFailure, "no reply") }
        #expect(String(buffer: bytes.bytes) == answer)
    }
}
