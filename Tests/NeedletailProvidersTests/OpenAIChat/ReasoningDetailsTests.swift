import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("OpenRouter's reasoning_details")
struct ReasoningDetailsTests {
    private static let call = #"{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}"#

    private static func detail(_ type: String, _ format: String, _ more: String) -> String {
        #"{"type":"reasoning.\#(type)","format":"\#(format)","index":0,"id":"rs_1",\#(more)}"#
    }

    private static func reasoning(_ text: String, _ signature: String? = nil) -> ContentPart {
        .reasoning(ReasoningPart(text, signature: signature))
    }

    @Test(
        "What can be read, what is signed and what is encrypted are the reply's reasoning",
        arguments: [
            (
                "[\(detail("summary", "xai-responses-v1", #""summary":"hm""#)),\(detail("encrypted", "xai-responses-v1", #""data":"ZW5j""#))]",
                [reasoning("hm", "ZW5j")]
            ),
            (
                "[\(detail("encrypted", "openai-responses-v1", #""data":"ZW5j""#)),\(detail("summary", "openai-responses-v1", #""summary":"hm""#))]",
                [.redactedReasoning("ZW5j"), reasoning("hm")]
            ),
            ("[\(detail("text", "other-v1", #""text":"hm","signature":"c2ln""#))]", [reasoning("hm", "c2ln")]),
            ("[\(detail("text", "unknown", #""text":"hm","signature":"""#))]", [reasoning("hm")]),
            (
                "[\(detail("text", "anthropic-claude-v1", #""text":"hm""#)),\(detail("encrypted", "anthropic-claude-v1", #""data":"ZW5j""#))]",
                [reasoning("hm"), .redactedReasoning("ZW5j")]
            ),
            (
                "[\(detail("text", "anthropic-claude-v2", #""text":"hm""#)),\(detail("encrypted", "anthropic-claude-v2", #""data":"ZW5j""#))]",
                [reasoning("hm"), .redactedReasoning("ZW5j")]
            ),
            (
                #"[{"type":"reasoning.encrypted","data":"ZW5j"}],"reasoning":"hm""#,
                [reasoning("hm"), .redactedReasoning("ZW5j")]
            ),
        ])
    func kinds(_ details: String, _ parts: [ContentPart]) throws {
        let reply = try OpenAIChatReplyTests.decode(
            #"{"content":"x","reasoning_details":"# + details + "}", finish: #""stop""#)
        #expect(reply.choices[0].content == parts + [.text(TextPart("x"))])
        // Gemini has no place for what is encrypted and signs nothing.
        let clients: [DialectID] =
            parts.contains(.redactedReasoning("ZW5j"))
            ? [.anthropicMessages, .openAIResponses, .bedrockConverse]
            : [.anthropicMessages, .openAIResponses, .bedrockConverse, .gemini]
        for client in clients {
            var out = ByteBuffer()
            let losses = try client.dialect.encodeReply(reply, created: 1, into: &out)
            #expect(losses.isEmpty, "\(client): \(losses)")
            for state in ["ZW5j", "c2ln"] where details.contains(state) {
                #expect(String(buffer: out).contains(state), "\(client)")
            }
        }
    }

    @Test("Gemini's signature goes before its call, before the first where it names none, or after the text")
    func signatures() throws {
        func decode(_ details: String, _ calls: String) throws -> [ContentPart] {
            try OpenAIChatReplyTests.decode(
                #"{"content":"x","reasoning_details":[\#(details)]\#(calls)}"#, finish: #""stop""#
            ).choices[0].content
        }
        let second = Self.call.replacing(#""c1""#, with: #""c2""#)
        let calls = #","tool_calls":[\#(Self.call),\#(second)]"#
        let named = #"{"type":"reasoning.encrypted","format":"google-gemini-v1","id":"c2","data":"ZW5j"}"#
        let loose = named.replacing(#""id":"c2","#, with: "")
        let text = ContentPart.text(TextPart("x"))
        func call(_ id: String) -> ContentPart { .toolCall(ToolCall(id: id, name: "f", arguments: "{}")) }
        #expect(try decode(named, calls) == [text, call("c1"), Self.reasoning("", "ZW5j"), call("c2")])
        #expect(try decode(loose, calls) == [text, Self.reasoning("", "ZW5j"), call("c1"), call("c2")])
        #expect(try decode(loose, "") == [text, Self.reasoning("", "ZW5j")])
    }

    private static func events(_ deltas: [String]) throws -> [ChatEvent] {
        let chunks = deltas.map { OpenAIChatStreamTests.chunk($0) }.joined()
        let end = OpenAIChatStreamTests.chunk("{}", finish: #""stop""#) + "data: [DONE]\n\n"
        return try OpenAIChatStreamTests.decode(chunks + end).filter { event in
            switch event {
            case .started, .finished, .blockEnded: false
            default: true
            }
        }
    }

    @Test("In a stream the state seals the text before it, or stands alone")
    func streamedSeals() throws {
        let sealed = try Self.events([
            #"{"reasoning":"h","thinking_blocks":[],"reasoning_details":[\#(Self.detail("summary", "xai-responses-v1", #""summary":"h""#))]}"#,
            #"{"reasoning":"m","reasoning_details":[\#(Self.detail("summary", "xai-responses-v1", #""summary":"m""#))]}"#,
            #"{"reasoning":null,"reasoning_details":[\#(Self.detail("encrypted", "xai-responses-v1", #""data":"ZW5j""#))]}"#,
            #"{"reasoning_details":[\#(Self.detail("encrypted", "xai-responses-v1", #""data":"bW9yZQ==""#))]}"#,
            #"{"content":"x"}"#,
        ])
        #expect(
            sealed == [
                .reasoning("h", choice: 0), .reasoning("m", choice: 0), .reasoningSignature("ZW5j", choice: 0),
                .redactedReasoning("bW9yZQ==", choice: 0), .text("x", choice: 0),
            ])
        let late = try Self.events([
            #"{"reasoning":"h"}"#, #"{"content":"x"}"#,
            #"{"reasoning_details":[\#(Self.detail("encrypted", "xai-responses-v1", #""data":"ZW5j""#))]}"#,
        ])
        #expect(
            late == [.reasoning("h", choice: 0), .text("x", choice: 0), .redactedReasoning("ZW5j", choice: 0)])
    }

    @Test("In a stream Gemini's signature waits for its call, however many come first")
    func streamedSignatures() throws {
        let detail = #"{"type":"reasoning.encrypted","format":"google-gemini-v1","id":"c2","data":"ZW5j"}"#
        let loose = detail.replacing(#""id":"c2","#, with: "")
        func calls(_ id: String, _ index: Int) -> String {
            #"{"tool_calls":[{"index":\#(index),"id":"\#(id)","function":{"name":"f","arguments":"{}"}}]}"#
        }
        let named = try Self.events([#"{"reasoning_details":[\#(detail)]}"#, calls("c1", 0), calls("c2", 1)])
        func started(_ id: String, _ index: Int) -> [ChatEvent] {
            [
                .toolCallStarted(index: index, id: id, name: "f", isCustom: false, choice: 0),
                .toolCallArguments(index: index, fragment: "{}", choice: 0),
            ]
        }
        let signature = [ChatEvent.reasoningSignature("ZW5j", choice: 0)]
        #expect(named == started("c1", 0) + signature + started("c2", 1))
        let late = try Self.events([calls("c2", 0), #"{"reasoning_details":[\#(detail)]}"#])
        #expect(late == started("c2", 0) + signature)
        let amid = try Self.events([
            calls("c2", 0).replacing("{}", with: "{"), #"{"reasoning_details":[\#(loose)]}"#,
            #"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
        ])
        #expect(amid.last == signature[0] && amid.contains(.toolCallArguments(index: 0, fragment: "}", choice: 0)))
        let alone = try Self.events([#"{"reasoning_details":[\#(loose)]}"#, #"{"content":"x"}"#])
        #expect(alone == signature + [.text("x", choice: 0)])
        let nobodys = try Self.events([
            #"{"reasoning_details":[\#(detail)]}"#, #"{"annotations":[{"type":"url_citation"}]}"#, #"{"content":"x"}"#,
        ])
        let page = ChatEvent.citation(JSONText(unchecked: #"{"type":"url_citation"}"#), dialect: .openAIChat, choice: 0)
        #expect(nobodys == [.text("x", choice: 0), page] + signature)
    }

    private static let messages = #"""
        {"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"redacted_thinking","data":"ZW5j"},{"type":"tool_use","id":"x","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"ok"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}
        """#

    @Test(
        "What it gave it gets again in its own words",
        arguments: [
            (
                "anthropic/claude-sonnet-4.5",
                #"[{"type":"reasoning.text","text":"hm","signature":"c2ln","format":"anthropic-claude-v1","index":0},{"type":"reasoning.encrypted","data":"ZW5j","format":"anthropic-claude-v1","index":1}]"#
            ),
            (
                "openai/gpt-5.2",
                #"[{"type":"reasoning.summary","summary":"hm","format":"openai-responses-v1","index":0},{"type":"reasoning.encrypted","data":"c2ln","format":"openai-responses-v1","index":1},{"type":"reasoning.encrypted","data":"ZW5j","format":"openai-responses-v1","index":2}]"#
            ),
            (
                "moonshotai/kimi-k2-thinking",
                #"[{"type":"reasoning.text","text":"hm","signature":"c2ln","format":"unknown","index":0},{"type":"reasoning.encrypted","data":"ZW5j","format":"unknown","index":1}]"#
            ),
        ])
    func requests(_ model: String, _ details: String) async throws {
        let bench = StateBench(.openRouter, model: model)
        try bench.issue(own: ["c2ln", "ZW5j"])
        let (body, losses) = try await bench.call(Self.messages, .anthropicMessages)
        #expect(body.contains(#""reasoning_details":"# + details), "\(body)")
        #expect(losses.isEmpty, "\(losses)")
        try bench.issue(foreign: ["c2ln", "ZW5j"])
        let foreign = try await bench.call(Self.messages, .anthropicMessages)
        #expect(!foreign.body.contains("c2ln") && !foreign.body.contains("ZW5j") && !foreign.losses.isEmpty)
        let other = try await StateBench(.groq, model: model).call(Self.messages, .anthropicMessages)
        #expect(!other.body.contains("reasoning_details") && !other.losses.isEmpty)
    }

    @Test("Gemini's signature is sent with the id of its call")
    func geminiRequest() async throws {
        let bench = StateBench(.openRouter, model: "google/gemini-3-pro")
        try bench.issue(own: ["c2ln"])
        let (body, losses) = try await bench.call(
            #"""
            {"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"hm","thought":true},{"functionCall":{"id":"x","name":"f","args":{}},"thoughtSignature":"c2ln"}]},{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f","response":{"a":1}}}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}]}
            """#, .gemini)
        let details =
            #"[{"type":"reasoning.text","text":"hm","format":"google-gemini-v1","index":0},{"type":"reasoning.encrypted","data":"c2ln","id":"x","format":"google-gemini-v1","index":1}]"#
        #expect(body.contains(#""reasoning_details":"# + details), "\(body)")
        #expect(losses.isEmpty, "\(losses)")
    }

    @Test("Reasoning without proof goes to models that need none, and is told as lost for the others")
    func unsigned() async throws {
        let unsigned = Self.messages.replacing(#","signature":"c2ln""#, with: "")
            .replacing(#"{"type":"redacted_thinking","data":"ZW5j"},"#, with: "")
        let open = try await StateBench(.openRouter, model: "deepseek/deepseek-v3.2").call(unsigned, .anthropicMessages)
        #expect(open.body.contains(#"[{"type":"reasoning.text","text":"hm","format":"unknown","index":0}]"#))
        let closed = try await StateBench(.openRouter, model: "openai/gpt-5").call(unsigned, .anthropicMessages)
        #expect(!closed.body.contains("reasoning_details") && closed.losses.contains("messages.content.thinking"))
    }

    @Test("What a chat client sends back is another upstream's reasoning too")
    func decoded() throws {
        let request = try OpenAIChat.decodeRequest(
            ByteBuffer(
                string: #"""
                    {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"reasoning_details":[\#(Self.detail("summary", "openai-responses-v1", #""summary":"hm""#)),\#(Self.detail("encrypted", "openai-responses-v1", #""data":"ZW5j""#)),{"type":"reasoning.encrypted","format":"google-gemini-v1","id":"c1","data":"Z29v"}],"tool_calls":[\#(Self.call)]},{"role":"tool","tool_call_id":"c1","content":"r"}]}
                    """#))
        #expect(
            request.messages[1].content == [
                Self.reasoning("hm", "ZW5j"), Self.reasoning("", "Z29v"),
                .toolCall(ToolCall(id: "c1", name: "f", arguments: "{}")),
            ])
        #expect(request.extensions.isEmpty, "\(request.extensions)")
    }
}
