import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// A client that asks with OpenAI's `functions` reads calls only as `function_call`, whoever answers.
@Suite("Legacy functions across dialects")
struct LegacyFunctionsTests {
    private static let legacy = """
        {"model":"a","stream":STREAM,"messages":[{"role":"user","content":"x"}],"functions":[{"name":"look",\
        "parameters":{"type":"object"}}]}
        """
    private static let modern = """
        {"model":"a","stream":STREAM,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function",\
        "function":{"name":"look","parameters":{"type":"object"}}}]}
        """
    private static let whole = """
        {"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"tool_use","id":"t1",\
        "name":"look","input":{"at":"sea"}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}
        """
    private static let events = """
        event: message_start
        data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],\
        "stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"look",\
        "input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"at\\":1}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}}

        event: message_stop
        data: {"type":"message_stop"}


        """

    @Test("a whole reply", arguments: [true, false])
    func whole(isLegacy: Bool) async throws {
        let bench = Bench(.anthropic) { _ in json(Self.whole) }
        let asked = (isLegacy ? Self.legacy : Self.modern).replacing("STREAM", with: "false")
        let reply = try await bench.ask(asked)
        guard case .complete(let body, _) = reply.body else { Issue.record("no whole reply"); return }
        Self.check(String(buffer: body.bytes), isLegacy)
        let sent = String(buffer: try bench.sent.body)
        #expect(sent.contains(#""tools":[{"name":"look""#) && !sent.contains("functions"))
        #expect(reply.losses.isEmpty)
    }

    @Test("a stream", arguments: [true, false])
    func stream(isLegacy: Bool) async throws {
        let bench = Bench(.anthropic) { _ in sse(Self.events) }
        let asked = (isLegacy ? Self.legacy : Self.modern).replacing("STREAM", with: "true")
        let (text, failure) = try await collect(try await bench.ask(asked))
        #expect(failure == nil)
        Self.check(text, isLegacy)
    }

    private static func check(_ text: String, _ isLegacy: Bool) {
        #expect(text.contains(#""function_call":{"#) == isLegacy, "\(text)")
        #expect(text.contains(#""tool_calls":[{"#) != isLegacy, "\(text)")
        #expect(text.contains(#""finish_reason":"function_call""#) == isLegacy, "\(text)")
        #expect(text.contains(#""finish_reason":"tool_calls""#) != isLegacy, "\(text)")
    }
}
