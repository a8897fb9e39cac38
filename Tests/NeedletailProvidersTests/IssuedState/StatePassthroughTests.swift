import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// A request in the upstream's own dialect, and what of it is sent when "mine" is the upstream's, "theirs" another's and
/// "dunno" nobody knows whose.
struct StateCase: Sendable, CustomTestStringConvertible {
    var name: String
    var spec: ProviderSpec
    var dialect: DialectID
    var model: String
    var request: String
    var sent: String
    var losses: [String]
    var testDescription: String { self.name }
}

private let anthropic = StateCase(
    name: "messages: a foreign block goes, reasoning on a budget with it", spec: .anthropic,
    dialect: .anthropicMessages, model: "m",
    request: #"""
        {"model":"m","max_tokens":9, "thinking": {"type":"enabled","budget_tokens":1024},
         "messages":[ {"role":"user","content":"a"},
          {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"bWluZQ=="}, {"type":"text","text":"b"} ]},
          {"role":"user","content":"c"},
          {"role":"assistant","content":[ {"type":"thinking","thinking":"t","signature":"dGhlaXJz"},  {"type":"redacted_thinking","data":"dGhlaXJz"}, {"type":"tool_use","id":"x","name":"f","input":{"signature":"dGhlaXJz"}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"ok"}]}],"later":[1, 2]}
        """#,
    sent: #"""
        {"model":"m","max_tokens":9, "thinking": {"type":"disabled"},
         "messages":[ {"role":"user","content":"a"},
          {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"bWluZQ=="}, {"type":"text","text":"b"} ]},
          {"role":"user","content":"c"},
          {"role":"assistant","content":[ {"type":"tool_use","id":"x","name":"f","input":{"signature":"dGhlaXJz"}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"ok"}]}],"later":[1, 2]}
        """#,
    losses: ["messages.content.thinking", "messages.content.redacted_thinking", "thinking"])

private let anthropicEmptied = StateCase(
    name: "messages: a turn of nothing else goes whole; reasoning stays on where a native block leads",
    spec: .anthropic,
    dialect: .anthropicMessages, model: "m",
    request:
        #"{"model":"m","max_tokens":9,"thinking":{"type":"enabled"},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"dGhlaXJz"}]},{"role":"user","content":"b"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"ZHVubm8="},{"type":"text","text":"c"},{"type":"thinking","thinking":"t","signature":"dGhlaXJz"}]},{"role":"user","content":"d"}]}"#,
    sent:
        #"{"model":"m","max_tokens":9,"thinking":{"type":"enabled"},"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"ZHVubm8="},{"type":"text","text":"c"}]},{"role":"user","content":"d"}]}"#,
    losses: ["messages.content.thinking"])

private let converse = StateCase(
    name: "converse: a foreign block goes", spec: .bedrock, dialect: .bedrockConverse, model: "anthropic.claude-x",
    request:
        #"{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"dGhlaXJz"}}},{"reasoningContent":{"redactedContent":"dGhlaXJz"}},{"reasoningContent":{"reasoningText":{"text":"t","signature":"bWluZQ=="}}},{"text":"b"}]},{"role":"user","content":[{"text":"c"}]}],"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}}"#,
    sent:
        #"{"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"t","signature":"bWluZQ=="}}},{"text":"b"}]},{"role":"user","content":[{"text":"c"}]}],"additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}}"#,
    losses: [
        "messages.content.reasoningContent", "messages.content.reasoningContent.redactedContent",
    ])

private let gemini3 = StateCase(
    name: "gemini 3: a foreign signature goes, a call gets Google's word for it", spec: .gemini, dialect: .gemini,
    model: "gemini-3-pro",
    request:
        #"{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"t","thought":true,"thoughtSignature":"dGhlaXJz"},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"dGhlaXJz"}, {"functionCall":{"name":"g","args":{}}}]},{"role":"model","parts":[{"text":"b","thoughtSignature":"bWluZQ"},{"text":"","thoughtSignature":"dGhlaXJz"}]},{"role":"model","parts":[{"thought_signature":"dGhlaXJz","text":""}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"ZHVubm8="}]}]}"#,
    sent:
        #"{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"t","thought":true},{"functionCall":{"name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}, {"functionCall":{"name":"g","args":{}}}]},{"role":"model","parts":[{"text":"b","thoughtSignature":"bWluZQ"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"ZHVubm8="}]}]}"#,
    losses: ["contents.parts.thoughtSignature"])

private let gemini2 = StateCase(
    name: "gemini 2.5: a foreign signature goes, from calls too", spec: .gemini, dialect: .gemini,
    model: "gemini-2.5-flash",
    request:
        #"{"contents":[{"role":"model","parts":[{"functionCall":{"id":"theirs","name":"f","args":{}},"thoughtSignature":"dGhlaXJz"}]}]}"#,
    sent: #"{"contents":[{"role":"model","parts":[{"functionCall":{"id":"theirs","name":"f","args":{}}}]}]}"#,
    losses: ["contents.parts.thoughtSignature"])

private let geminiCalls = StateCase(
    name: "gemini 3: a call that another made without a signature gets Google's word, one of nobody known none",
    spec: .gemini, dialect: .gemini, model: "gemini-3-flash",
    request:
        #"{"contents":[{"role":"model","parts":[{"functionCall":{"id":"theirs","name":"f","args":{}}},{"functionCall":{"id":"theirs","name":"g","args":{}}}]},{"role":"model","parts":[{"functionCall":{"id":"dunno","name":"f","args":{}}}]}]}"#,
    sent:
        #"{"contents":[{"role":"model","parts":[{"functionCall":{"id":"theirs","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"theirs","name":"g","args":{}}}]},{"role":"model","parts":[{"functionCall":{"id":"dunno","name":"f","args":{}}}]}]}"#,
    losses: [])

private let responses = StateCase(
    name: "responses: foreign reasoning goes, and foreign ids of what stays", spec: .openAI, dialect: .openAIResponses,
    model: "m",
    request:
        #"{"model":"m","store":false,"input":[{"role":"user","content":"a"}, {"type":"reasoning","id":"rs_theirs","summary":[],"encrypted_content":"dGhlaXJz"},{"id":"fc_theirs","type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"reasoning","id":"rs_theirs","summary":[{"type":"summary_text","text":"t"}]},{"type":"reasoning","id":"rs_mine","summary":[],"encrypted_content":"bWluZQ=="},{"type":"message","id":"msg_mine","role":"assistant","content":"b"},{"type":"message","role":"assistant","id":"msg_abc_0","content":"c"},{"type":"message","role":"assistant","id":"msg_dunno_0","content":"d"}]}"#,
    sent:
        #"{"model":"m","store":false,"input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"reasoning","id":"rs_mine","summary":[],"encrypted_content":"bWluZQ=="},{"type":"message","id":"msg_mine","role":"assistant","content":"b"},{"type":"message","role":"assistant","content":"c"},{"type":"message","role":"assistant","id":"msg_dunno_0","content":"d"}]}"#,
    losses: ["input.encrypted_content", "input.summary"])

private let chat = StateCase(
    name: "chat: foreign blocks and signatures go, the text stays", spec: .openRouter, dialect: .openAIChat, model: "m",
    request:
        #"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"reasoning_content":"t","thinking_blocks":[{"type":"thinking","thinking":"t","signature":"dGhlaXJz"}],"tool_calls":[{"id":"c","type":"function","extra_content":{"google":{"thought_signature":"dGhlaXJz"}},"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"},{"role":"assistant","content":"b","reasoning_details":[{"type":"reasoning.text","text":"t","signature":"bWluZQ=="},{"type":"reasoning.encrypted","data":"dGhlaXJz"}]}]}"#,
    sent:
        #"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"reasoning_content":"t","tool_calls":[{"id":"c","type":"function","extra_content":{"google":{}},"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"},{"role":"assistant","content":"b","reasoning_details":[{"type":"reasoning.text","text":"t","signature":"bWluZQ=="}]}]}"#,
    losses: ["messages.thinking_blocks"])

private let cases = [anthropic, anthropicEmptied, converse, gemini3, gemini2, geminiCalls, responses, chat]

@Suite("State in requests that pass through")
struct StatePassthroughTests {
    private func bench(_ test: StateCase) throws -> StateBench {
        let bench = StateBench(
            test.spec, model: test.model, dialect: test.dialect, settings: ["region": "r"])
        try bench.issue(
            own: ["bWluZQ", "rs_mine", "msg_mine"], foreign: ["dGhlaXJz", "theirs", "rs_theirs", "fc_theirs"])
        bench.table.note("resp_abc", issuedBy: bench.table.gateway)
        return bench
    }

    @Test("What another issued goes, all other bytes stay", arguments: cases)
    func removesForeign(_ test: StateCase) async throws {
        let (body, losses) = try await self.bench(test).call(test.request, test.dialect)
        #expect(body == test.sent)
        #expect(losses == test.losses)
    }

    @Test("What is nobody's or the upstream's own stays, byte by byte", arguments: cases)
    func keepsUnknown(_ test: StateCase) async throws {
        let stranger = StateBench(test.spec, model: test.model, dialect: test.dialect, settings: ["region": "r"])
        let (body, losses) = try await stranger.call(test.request, test.dialect)
        #expect(body == test.request && losses.isEmpty)
        let owner = StateBench(test.spec, model: test.model, dialect: test.dialect, settings: ["region": "r"])
        try owner.issue(own: ["bWluZQ", "dGhlaXJz", "theirs", "rs_theirs", "fc_theirs", "ZHVubm8"])
        #expect(try await owner.call(test.request, test.dialect).body == body)
    }

    @Test("A strict client is refused instead", arguments: cases.filter { !$0.losses.isEmpty })
    func isStrict(_ test: StateCase) async throws {
        let error = await #expect(throws: NeedletailError.self) {
            try await self.bench(test).call(test.request, test.dialect, isStrict: true)
        }
        #expect(error?.code == .unsupported && error?.parameter == test.losses.first)
    }

    @Test(
        "What is nothing but a reference goes to who issued it, and is refused by all others",
        arguments: [
            #"{"type":"item_reference","id":"rs_theirs"}"#, #"{"id":"msg_abc_1"}"#,
            #"{"type":"compaction","encrypted_content":"dGhlaXJz"}"#,
        ])
    func references(_ item: String) async throws {
        let bench = try self.bench(responses)
        let request = #"{"model":"m","input":[\#(item)]}"#
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.call(request, .openAIResponses)
        }
        #expect(error?.code == .unsupported && error?.parameter == "input")
        #expect(error?.disposition.retry == .otherTarget)
        let own = item.replacing("theirs", with: "mine").replacing("abc", with: "x").replacing(
            "dGhlaXJz", with: "bWluZQ")
        #expect(try await bench.call(#"{"model":"m","input":[\#(own)]}"#, .openAIResponses).losses.isEmpty)
    }

    @Test(
        "Claude is sent no reasoning without a signature where there is somebody else who may have said it",
        arguments: [true, false])
    func unsigned(isAlone: Bool) async throws {
        let bench = StateBench(.anthropic, isAlone: isAlone)
        let block = #"{"type":"thinking","thinking":"t","signature":""},"#
        let request =
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[\#(block){"type":"text","text":"b"}]},{"role":"user","content":"c"}]}"#
        let (body, _) = try await bench.call(request, .anthropicMessages)
        #expect(body == (isAlone ? request : request.replacing(block, with: "")))
        let other = StateBench(.anthropicCompatible, isAlone: isAlone)
        #expect(try await other.call(request, .anthropicMessages).body == request)
    }

    @Test("A signature that the gateway marked as none of Google's is foreign even if nobody remembers it")
    func marked() async throws {
        let marked = GeminiSignature.write("not base64!")
        let bench = StateBench(.gemini, model: "gemini-3-pro", isAlone: true)
        let request =
            #"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"\#(marked)"}]}]}"#
        let (body, losses) = try await bench.call(request, .gemini)
        #expect(body == request.replacing(marked, with: "skip_thought_signature_validator"))
        #expect(losses == ["contents.parts.thoughtSignature"])
    }
}
