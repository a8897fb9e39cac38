import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Anthropic replies and failures")
struct AnthropicReplyTests {
    static func encode(_ reply: ChatResponse) throws -> (json: NSDictionary, lost: [String]) {
        var out = ByteBuffer()
        let losses = try AnthropicMessages.encodeReply(reply, created: 7, into: &out)
        return (AnthropicFixtures.object(String(buffer: out)), losses.map(\.field))
    }

    @Test("A reply of another dialect is written in Anthropic's words")
    func encode() throws {
        var choice = ChatChoice(stopReason: .endTurn)
        choice.content = [
            .text(TextPart("a")), .toolCall(ToolCall(id: "t", name: "f", arguments: "")),
            .toolCall(ToolCall(id: "u", name: "g", arguments: "{broken")),
        ]
        choice.logprobs = JSONText(unchecked: "{}")
        var usage = Usage(inputTokens: 10, outputTokens: 4)
        usage.cachedInputTokens = 6
        usage.cacheWriteTokens = 1
        usage.extensions = [Extension("queue_time", JSONText(1))]
        var reply = ChatResponse(id: "", model: "m", choices: [choice, ChatChoice(index: 1)], usage: usage)
        reply.source = .openAIChat
        reply.systemFingerprint = "fp"
        let (json, lost) = try Self.encode(reply)
        let expected = #"""
            {"id":"msg_7","type":"message","role":"assistant","model":"m","stop_reason":"tool_use","stop_sequence":null,
            "content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{}},
            {"type":"tool_use","id":"u","name":"g","input":{}}],
            "usage":{"input_tokens":3,"cache_read_input_tokens":6,"cache_creation_input_tokens":1,"output_tokens":4}}
            """#
        #expect(json == AnthropicFixtures.object(expected))
        #expect(
            lost == [
                "choices", "choices.logprobs", "system_fingerprint", "choices.message.tool_calls.function.arguments",
                "usage.queue_time",
            ])
    }

    @Test(
        "A stop reason is said in Anthropic's words",
        arguments: [
            (StopReason.endTurn, "end_turn"), (.stopSequence, "end_turn"), (.maxTokens, "max_tokens"),
            (.contextWindow, "model_context_window_exceeded"), (.contentFilter, "refusal"), (.refusal, "refusal"),
            (.pauseTurn, "pause_turn"), (.other("eos"), "end_turn"), (.toolCalls, "end_turn"),
        ])
    func stopReason(_ reason: StopReason, _ word: String) throws {
        let choice = ChatChoice(content: [.text(TextPart("a"))], stopReason: reason)
        let (json, _) = try Self.encode(ChatResponse(id: "x", model: "m", choices: [choice]))
        #expect(json["stop_reason"] as? String == word)
    }

    @Test(
        "The input of a call that a server sends as text is the object it holds",
        arguments: [
            (#""{\"a\": 1}""#, #"{"a": 1}"#), (#""""#, "{}"), (#""\"{\\\"a\\\": 1}\"""#, #"{"a": 1}"#),
            (#"{"a":2}"#, #"{"a":2}"#),
        ])
    func inputAsText(_ input: String, _ arguments: String) throws {
        let call = #"{"type":"tool_use","id":"t","name":"f","input":\#(input)}"#
        let body =
            #"{"id":"m","type":"message","role":"assistant","model":"c","content":[\#(call)],"stop_reason":"tool_use"}"#
        let reply = try AnthropicMessages.decodeReply(ByteBuffer(string: body))
        #expect(reply.choices.first?.content == [.toolCall(ToolCall(id: "t", name: "f", arguments: arguments))])
        let stream =
            AnthropicStreamTests.start
            + #"data: {"type":"content_block_start","index":0,"content_block":\#(call)}"# + "\n\n"
            + #"data: {"type":"content_block_stop","index":0}"# + "\n\n" + AnthropicStreamTests.stop
        let events = AnthropicStreamTests.events(stream).events
        #expect(events.contains(.toolCallArguments(index: 0, fragment: arguments, choice: 0)))
    }

    @Test("Text that holds no object is no input", arguments: [#""[1]""#, #""hi""#, "1"])
    func wrongInput(_ input: String) {
        let body =
            #"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"tool_use","id":"t","name":"f","input":\#(input)}]}"#
        #expect(throws: NeedletailError.self) { try AnthropicMessages.decodeReply(ByteBuffer(string: body)) }
    }

    @Test("Input is never below zero, whatever a provider counts as cached")
    func neverNegative() throws {
        var usage = Usage(inputTokens: 3, outputTokens: 1)
        usage.cachedInputTokens = 8
        let (json, _) = try Self.encode(ChatResponse(id: "x", model: "m", usage: usage))
        #expect((json["usage"] as? NSDictionary)?["input_tokens"] as? Int == 0)
    }

    @Test("Usage counts cached input as input, once")
    func usage() throws {
        let body = #"""
            {"type":"message","content":[],"usage":{"input_tokens":1,"cache_read_input_tokens":20,
            "cache_creation_input_tokens":300,"cache_creation":{"ephemeral_1h_input_tokens":100},"output_tokens":5,
            "output_tokens_details":{"thinking_tokens":2},"server_tool_use":{"web_search_requests":3}}}
            """#
        let usage = try #require(try AnthropicMessages.inspectReply(ByteBuffer(string: body)))
        #expect(usage.inputTokens == 321)
        #expect(usage.cachedInputTokens == 20)
        #expect(usage.cacheWriteTokens == 300)
        #expect(usage.cacheWrite1hTokens == 100)
        #expect(usage.outputTokens == 5)
        #expect(usage.reasoningTokens == 2)
        #expect(usage.webSearches == 3)
    }

    @Test("A huge or negative counter neither traps nor lies")
    func hugeUsage() throws {
        let body = """
            {"content":[],"usage":{"input_tokens":\(Int.max),"cache_read_input_tokens":\(Int.max),"output_tokens":-5}}
            """
        let usage = try #require(try AnthropicMessages.inspectReply(ByteBuffer(string: body)))
        #expect(usage.inputTokens == .max)
        #expect(usage.outputTokens == 0)
    }

    @Test(
        "What is no reply is refused",
        arguments: [
            ("", NeedletailError.Code.malformedReply), ("<html>", .malformedReply), ("[]", .malformedReply),
            ("{}", .malformedReply), (#"{"content":[{"type":"text"}]}"#, .malformedReply),
            (#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#, .overloaded),
            (#"{"error":{"message":"x"}}"#, .upstreamFailed),
        ])
    func noReply(_ body: String, _ code: NeedletailError.Code) {
        let error = #expect(throws: NeedletailError.self) {
            try AnthropicMessages.decodeReply(ByteBuffer(string: body))
        }
        #expect(error?.code == code)
    }

    @Test(
        "An error means what its type says",
        arguments: [
            (400, "invalid_request_error", "max_tokens: too large", NeedletailError.Code.invalidRequest),
            (400, "invalid_request_error", "Your credit balance is too low to access", .quotaExhausted),
            (401, "authentication_error", "invalid x-api-key", .credentialRejected),
            (402, "billing_error", "x", .quotaExhausted), (403, "permission_error", "no access", .credentialRejected),
            (403, "permission_error", "Your account may not use the model claude", .modelForbidden),
            (404, "not_found_error", "model: x", .notFound), (413, "request_too_large", "x", .tooLarge),
            (429, "rate_limit_error", "x", .rateLimited), (500, "api_error", "x", .upstreamFailed),
            (504, "timeout_error", "x", .timedOut), (529, "overloaded_error", "Overloaded", .overloaded),
            (418, "new_error", "x", .invalidRequest), (503, "new_error", "x", .overloaded),
        ])
    func failure(_ status: Int, _ type: String, _ message: String, _ code: NeedletailError.Code) throws {
        let body = #"{"type":"error","error":{"details":null,"type":"\#(type)","message":"\#(message)"}}"#
        let headers: HTTPFields = [
            try #require(HTTPField.Name("request-id")): "req_1", try #require(HTTPField.Name("retry-after")): "1.5",
        ]
        let error = AnthropicMessages.decodeFailure(status: status, headers: headers, body: ByteBuffer(string: body))
        #expect(error.code == code)
        // What a provider thinks of our key or account is for the operator alone.
        let isOurs = code == .credentialRejected || code == .quotaExhausted
        #expect((error.message == message) != isOurs)
        #expect((error.cause as? ProviderWords)?.description == message)
        #expect(error.retryAfter == .milliseconds(1500))
        #expect(error.upstream == NeedletailError.Upstream(status: status, type: type, requestID: "req_1"))
        #expect(error.parameter == (message.hasPrefix("max_tokens") ? "max_tokens" : nil))
    }

    @Test("A proxy's page says nothing to the client", arguments: ["<html>secret</html>", "", "[1]", "{"])
    func page(_ body: String) {
        let error = AnthropicMessages.decodeFailure(status: 502, headers: [:], body: ByteBuffer(string: body))
        #expect(error.code == .upstreamFailed)
        #expect(!error.message.contains("secret"))
        #expect(error.message.contains("502"))
    }

    @Test(
        "Keys are taken out of messages",
        arguments: [
            ("bad key sk-ant-api03-abcDEF_1 here", "bad key [redacted] here"), ("(sk-abcdefgh)", "([redacted])"),
            ("a task-oriented risk-free model", "a task-oriented risk-free model"),
            ("Authorization: Bearer abcdefgh.ijk", "Authorization: [redacted]"),
        ])
    func redaction(_ message: String, _ safe: String) {
        #expect(SecretRedaction.redact(message) == safe)
    }

    @Test("A client sees Anthropic's form of an error, whole and in a stream")
    func encodeFailure() {
        let error = NeedletailError(.overloaded, "full \"now\"")
        var out = ByteBuffer()
        #expect(AnthropicMessages.encodeFailure(error, requestID: "r", into: &out) == 529)
        let body = #"{"type":"error","error":{"type":"overloaded_error","message":"full \"now\""},"request_id":"r"}"#
        #expect(String(buffer: out) == body)
        var stream = ByteBuffer()
        AnthropicMessages.encodeStreamFailure(error, requestID: "r", into: &stream)
        #expect(String(buffer: stream) == "event: error\ndata: \(body)\n\n")
    }

    @Test("A refusal of ours names the field, once")
    func namedField() {
        for (message, shown) in [("No.", "messages.content: No."), ("messages.content: No.", "messages.content: No.")] {
            let error = NeedletailError(.unsupported, message, parameter: "messages.content")
            var out = ByteBuffer()
            #expect(AnthropicMessages.encodeFailure(error, requestID: "r", into: &out) == 400)
            #expect(String(buffer: out).contains(#""message":"\#(shown)""#))
        }
    }
}
