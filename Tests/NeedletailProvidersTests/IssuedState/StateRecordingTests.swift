import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// A reply that holds state, whole and streamed.
struct IssuedReply: Sendable, CustomTestStringConvertible {
    var spec: ProviderSpec
    var dialect: DialectID
    var model = "m"
    var whole: String
    var stream: String
    /// What is in it.
    var state: [String]
    /// What a client of another dialect is told of it.
    var translated: [String]
    var testDescription: String { self.dialect.rawValue }
}

private let replies = [
    IssuedReply(
        spec: .anthropic, dialect: .anthropicMessages,
        whole:
            #"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"t","signature":"c2lnbmVk"},{"type":"redacted_thinking","data":"aGlkZGVu"},{"type":"text","text":"x"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}"#,
        stream: [
            #"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"t"}}"#,
            #"{"index":0,"delta":{"signature":"c2lnbmVk","type":"signature_delta"},"type":"content_block_delta"}"#,
            #"{"type":"content_block_stop","index":0}"#,
            #"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"aGlkZGVu"}}"#,
            #"{"type":"content_block_stop","index":1}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}"#,
            #"{"type":"message_stop"}"#,
        ].asEvents,
        state: ["c2lnbmVk", "aGlkZGVu"], translated: ["c2lnbmVk", "aGlkZGVu"]),
    IssuedReply(
        spec: .gemini, dialect: .gemini, model: "gemini-3-pro",
        whole:
            #"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln\u002bmVk"}]},"finishReason":"STOP","index":0}]}"#,
        stream: [
            #"{"candidates":[{"content":{"role":"model","parts":[{"text":"a","thought":true}]},"index":0}]}"#,
            #"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln\u002bmVk"}]},"finishReason":"STOP","index":0}]}"#,
        ].asEvents,
        state: ["c2ln-mVk"], translated: ["c2ln-mVk"]),
    IssuedReply(
        spec: .openAI, dialect: .openAIResponses,
        whole:
            #"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAAsealed"},{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"x","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}"#,
        stream: [
            #"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}"#,
            #"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
            #"{"type":"response.output_item.done","sequence_number":2,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAAsealed"}}"#,
            #"{"type":"response.completed","sequence_number":3,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAAsealed"},{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"x","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}"#,
        ].asEvents,
        state: ["gAAAsealed", "rs_1", "msg_1"], translated: ["gAAAsealed"]),
    IssuedReply(
        spec: .openRouter, dialect: .openAIChat,
        whole:
            #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x","reasoning_details":[{"type":"reasoning.text","format":"anthropic-claude-v1","text":"t","signature":"c2lnbmVk"},{"type":"reasoning.encrypted","format":"anthropic-claude-v1","data":"aGlkZGVu"}],"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"Z29vZ2xl"}}}]},"finish_reason":"tool_calls"}]}"#,
        stream: [
            #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"x","reasoning_details":[{"type":"reasoning.text","format":"anthropic-claude-v1","text":"t","signature":"c2lnbmVk"}]},"finish_reason":null}]}"#,
            #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","format":"anthropic-claude-v1","data":"aGlkZGVu"}]},"finish_reason":null}]}"#,
            #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"Z29vZ2xl"}}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#,
            "[DONE]",
        ].asEvents,
        state: ["c2lnbmVk", "aGlkZGVu", "Z29vZ2xl"], translated: ["c2lnbmVk", "aGlkZGVu", "Z29vZ2xl"]),
]

extension [String] {
    fileprivate var asEvents: String { self.map { "data: \($0)\n\n" }.joined() }
}

@Suite("State in replies")
struct StateRecordingTests {
    private static func request(_ dialect: DialectID, isStreaming: Bool) -> String {
        let stream = isStreaming ? #","stream":true"# : ""
        return switch dialect {
        case .gemini: #"{"contents":[{"role":"user","parts":[{"text":"a"}]}]}"#
        case .openAIResponses: #"{"model":"m","input":"a"\#(stream)}"#
        default: #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]\#(stream)}"#
        }
    }

    private func ask(
        _ reply: IssuedReply, as client: DialectID, isStreaming: Bool, size: Int = .max
    ) async throws
        -> StateBench
    {
        let bench = StateBench(reply.spec, model: reply.model, dialect: reply.dialect) { _ in
            isStreaming ? sse(reply.stream, splitEvery: size) : json(reply.whole)
        }
        var request = try RequestPeek.read(
            ByteBuffer(string: Self.request(client, isStreaming: isStreaming)), dialect: client, operation: .chat,
            model: client == .gemini ? "m" : nil, isStreaming: client == .gemini ? isStreaming : nil)
        request.model = reply.model
        request.replyID = client == .openAIResponses ? "resp_abc" : nil
        let answer = try await bench.bench.provider.respond(to: request, context: .testing())
        if isStreaming {
            let (_, failure) = try await collect(answer)
            #expect(failure == nil)
        }
        return bench
    }

    @Test(
        "What passes through is noted, whole and streamed in pieces of any size", arguments: replies,
        [(false, Int.max), (true, .max), (true, 1), (true, 50)])
    func notesPassing(_ reply: IssuedReply, how: (isStreaming: Bool, size: Int)) async throws {
        let bench = try await self.ask(reply, as: reply.dialect, isStreaming: how.isStreaming, size: how.size)
        for state in reply.state { #expect(try bench.table.issuer(of: state) == bench.realm, "\(state)") }
        #expect(bench.table.count == reply.state.count)
    }

    @Test("What is translated is noted", arguments: replies, [false, true])
    func notesTranslated(_ reply: IssuedReply, isStreaming: Bool) async throws {
        let client: DialectID = reply.dialect == .openAIChat ? .anthropicMessages : .openAIChat
        let bench = try await self.ask(reply, as: client, isStreaming: isStreaming)
        for state in reply.translated { #expect(try bench.table.issuer(of: state) == bench.realm, "\(state)") }
        #expect(bench.table.count == reply.translated.count)
    }

    @Test("The ids of a response that the gateway writes are its own", arguments: [false, true])
    func notesOwnIDs(isStreaming: Bool) async throws {
        let bench = try await self.ask(replies[0], as: .openAIResponses, isStreaming: isStreaming)
        #expect(bench.table.issuer(of: "resp_abc") == bench.table.gateway)
        let filter = StateFilter(
            bench.table, try bench.realm, client: .openAIResponses, upstream: .openAIResponses)
        #expect(filter.isForeign(id: "rs_abc_0") && !filter.isForeign(id: "rs_other_0"))
    }

    @Test("For Google's clients the ids of calls are noted too", arguments: [false, true])
    func notesCalls(isStreaming: Bool) async throws {
        let bench = try await self.ask(replies[3], as: .gemini, isStreaming: isStreaming)
        #expect(try bench.table.issuer(of: "t") == bench.realm)
    }

    @Test("Bedrock's frames are looked into")
    func notesConverse() throws {
        var tap = BedrockConverse.makeStreamTap()
        _ = try tap.observe(
            name: ByteBuffer(string: "messageStart"), data: ByteBuffer(string: #"{"role":"assistant"}"#))
        let delta = ByteBuffer(
            string: #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2lnbmVk"}}}"#)
        #expect(try tap.observe(name: ByteBuffer(string: "contentBlockDelta"), data: delta) == .state)
        let table = IssuedStateTable(time: JumpingTime().source, random: .seeded(1))
        let realm = table.join("a")
        let recorder = StateRecorder(table, realm, upstream: .bedrockConverse, client: .bedrockConverse)
        recorder.note(passing: delta, decoded: nil)
        #expect(table.issuer(of: "c2lnbmVk") == realm)
        _ = try recorder.inspect(
            ByteBuffer(
                string:
                    #"{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"aGlkZGVu"}}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#
            ), .bedrockConverse)
        #expect(table.issuer(of: "aGlkZGVu") == realm)
        let text = ByteBuffer(string: #"{"contentBlockIndex":0,"delta":{"text":"signature"}}"#)
        #expect(try tap.observe(name: ByteBuffer(string: "contentBlockDelta"), data: text) == .forward)
    }

    @Test("Claude's signatures are good at all who serve it, others only at their account")
    func realms() throws {
        let table = IssuedStateTable(time: JumpingTime().source, random: .seeded(1))
        func realm(_ spec: ProviderSpec, _ model: String, _ account: String) -> StateRealm {
            StateIssuer(table, spec, account: account).realm(of: model)
        }
        let claude = realm(.anthropic, "claude-opus-4-5", "a")
        #expect(realm(.bedrock, "us.anthropic.claude-opus-4-5-v1:0", "b") == claude)
        #expect(realm(.vertex, "claude-opus-4-5@20251101", "c") == claude)
        #expect(realm(.bedrock, "amazon.nova-2-lite", "b") != claude)
        #expect(realm(.vertex, "gemini-3-pro", "c") != realm(.gemini, "gemini-3-pro", "d"))
        #expect(realm(.openAI, "gpt-5", "one") == realm(.openAI, "gpt-5-mini", "one"))
        #expect(realm(.openAI, "gpt-5", "one") != realm(.openAI, "gpt-5", "two"))
        #expect(realm(.anthropicCompatible, "claude-opus-4-5", "e") != claude)
    }
}
