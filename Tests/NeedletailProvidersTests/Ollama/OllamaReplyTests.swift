import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Ollama: replies and streams")
struct OllamaReplyTests {
    private static let time = "2026-01-02T03:04:05.678901+01:00"

    private static func line(_ message: String, more: String = #""done":false"#) -> String {
        #"{"model":"m","created_at":"\#(Self.time)","message":{"role":"assistant",\#(message)},\#(more)}"# + "\n"
    }

    private static let last = line(
        #""content":"""#, more: #""done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":4"#)

    private static let good =
        line(#""content":"","thinking":"h\u00e4h""#) + "\r\n" + line(#""content":"Grüß ""#)
        + line(#""content":"\ud83d\ude00""#, more: #""logprobs":[{"token":"a","logprob":-0.5}],"done":false"#)
        + line(#""content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]"#)
        + line(
            #""content":"","tool_calls":[{"function":{"name":"g","arguments":null}},{"id":"x","function":{"name":"h"}}]"#
        )
        + last

    @Test("A stream means the same wherever it is split")
    func splits() throws {
        let whole = try NativeRecordings.decode([ByteBuffer(string: Self.good)], .ollamaChat)
        let reply = OpenAIChatCollector.reply(whole)
        #expect(reply.text == "Grüß 😀")
        #expect(
            reply.toolCalls == [
                ToolCall(id: "call_2026-01-02T0304056789010100_0_0", name: "f", arguments: #"{"a":1}"#),
                ToolCall(id: "call_2026-01-02T0304056789010100_0_1", name: "g", arguments: ""),
                ToolCall(id: "x", name: "h", arguments: ""),
            ])
        #expect(reply.choices[0].stopReason == .toolCalls, "the provider said stop")
        #expect(reply.usage == Usage(inputTokens: 3, outputTokens: 4))
        #expect(whole.first == .started(StreamStart(id: "", model: "m", created: 1_767_319_445)))
        #expect(
            whole.contains(
                .logprobs(
                    JSONText(
                        unchecked:
                            #"{"content":[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[]}],"refusal":null}"#
                    ),
                    choice: 0)))
        let bytes = Array(Self.good.utf8)
        for split in 0...bytes.count {
            let events = try NativeRecordings.decode(
                [ByteBuffer(bytes: bytes[..<split]), ByteBuffer(bytes: bytes[split...])], .ollamaChat)
            #expect(events == whole, "split at \(split)")
        }
        let unended = try NativeRecordings.decode([ByteBuffer(bytes: bytes.dropLast())], .ollamaChat)
        #expect(unended == whole, "the last line may lack its end")
    }

    @Test("Calls of two replies never share an id")
    func ids() throws {
        func ids(_ time: String) throws -> [String] {
            let text = Self.good.replacing(Self.time, with: time)
            return OpenAIChatCollector.reply(try NativeRecordings.decode([ByteBuffer(string: text)], .ollamaChat))
                .toolCalls.dropLast().map(\.id)
        }
        let first = try ids("2026-01-02T03:04:05.000001Z")
        #expect(try ids("2026-01-02T03:04:05.000001Z") == first)
        #expect(Set(first).isDisjoint(with: try ids("2026-01-02T03:04:05.000002Z")))
    }

    @Test("A stream that stops early, turns to garbage or tells an error has failed")
    func broken() throws {
        func code(_ text: String) -> NeedletailError.Code? {
            #expect(throws: NeedletailError.self) {
                try NativeRecordings.decode([ByteBuffer(string: text)], .ollamaChat)
            }?.code
        }
        let begin = Self.line(#""content":"x""#)
        #expect(code("") == .unreachable)
        #expect(code(begin) == .unreachable)
        #expect(code(begin + Self.last.prefix(30)) == .unreachable)
        #expect(code(begin + "nonsense\n") == .malformedReply)
        #expect(code(begin + "[]\n") == .malformedReply)
        #expect(code(begin + "{\"error\":\"it broke\"}\n") == .upstreamFailed)
        #expect(throws: NeedletailError.self) {
            try NativeRecordings.tap(ByteBuffer(string: begin + "{\"error\":\"it broke\"}\n"), .ollamaChat)
        }
        #expect(throws: NeedletailError.self) {
            try NativeRecordings.tap(ByteBuffer(string: "nonsense\n"), .ollamaChat)
        }
        #expect(try !NativeRecordings.tap(ByteBuffer(string: begin), .ollamaChat).isComplete)
        #expect(try NativeRecordings.tap(ByteBuffer(string: Self.good), .ollamaChat).isTerminated)
    }

    @Test("A prompt that was cached whole is not counted by the server")
    func cachedPrompt() throws {
        let body = #"{"model":"m","response":"x","done":true,"done_reason":"length","eval_count":5}"#
        let reply = try OllamaGenerate.decodeReply(ByteBuffer(string: body))
        #expect(reply.usage == Usage(inputTokens: 0, outputTokens: 5))
        #expect(reply.choices[0].stopReason == .maxTokens)
        let uncounted = #"{"model":"m","response":"","done":true,"done_reason":"whim"}"#
        let other = try OllamaGenerate.decodeReply(ByteBuffer(string: uncounted))
        #expect(other.usage == nil && other.choices[0].stopReason == .other("whim"))
    }

    @Test(
        "What is no reply is an error",
        arguments: [
            ("[]", .malformedReply), ("<html>", .malformedReply), (#"{"model":"m","done":true}"#, .malformedReply),
            (#"{"error":"boom"}"#, .upstreamFailed),
        ] as [(String, NeedletailError.Code)])
    func notAReply(_ body: String, _ code: NeedletailError.Code) {
        let error = #expect(throws: NeedletailError.self) { try OllamaChat.decodeReply(ByteBuffer(string: body)) }
        #expect(error?.code == code)
    }

    @Test("Another dialect's stream is told in lines, calls as objects, and what is lost is named")
    func encoded() throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "up", created: 0)), .reasoning("hm", choice: 0),
            .reasoningSignature("s", choice: 0), .text("a", choice: 0), .text("other", choice: 1),
            .toolCallStarted(index: 0, id: "c1", name: "f", isCustom: false, choice: 0),
            .toolCallStarted(index: 1, id: "c2", name: "g", isCustom: true, choice: 0),
            .toolCallArguments(index: 0, fragment: #"{"a""#, choice: 0),
            .toolCallArguments(index: 1, fragment: "free", choice: 0),
            .toolCallArguments(index: 0, fragment: ":1}", choice: 0),
            .finished(.toolCalls, stopSequence: nil, choice: 0), .usage(Usage(inputTokens: 2, outputTokens: 1)),
        ]
        let (out, losses) = NativeRecordings.encode(events, .ollamaChat, source: .openAIChat)
        let head = #"{"model":"up","created_at":"1970-01-01T00:00:00Z","message":{"role":"assistant","content":"#
        #expect(
            String(buffer: out)
                == head + "\"\"},\"done\":false}\n" + head + "\"\",\"thinking\":\"hm\"},\"done\":false}\n"
                + head + "\"a\"},\"done\":false}\n" + head
                + #""","tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"a":1}}},"#
                + #"{"id":"c2","function":{"name":"g","arguments":{"input":"free"}}}]},"done":false}"# + "\n" + head
                + #"""},"done_reason":"stop","prompt_eval_count":2,"eval_count":1,"done":true}"# + "\n")
        #expect(losses.map(\.field) == ["choices.message.thinking_blocks", "choices"])
    }

    @Test("A whole reply says what it lost")
    func encodedWhole() throws {
        var reply = ChatResponse(
            id: "r", model: "m",
            choices: [ChatChoice(content: [.text(TextPart("a")), .refusal("no")], stopReason: .contentFilter)],
            usage: Usage(inputTokens: 9, outputTokens: 9))
        reply.source = .openAIChat
        reply.usage?.cachedInputTokens = 5
        reply.systemFingerprint = "f"
        var out = ByteBuffer()
        let losses = try OllamaChat.encodeReply(reply, created: 0, into: &out)
        #expect(
            Set(losses.map(\.field)) == [
                "choices.message.refusal", "usage.prompt_tokens_details.cached_tokens", "system_fingerprint",
                "choices.finish_reason",
            ])
        #expect(String(buffer: out).contains(#""content":"ano""#))
    }

    @Test("Errors have Ollama's own shape")
    func failures() {
        var out = ByteBuffer()
        let status = OllamaChat.encodeFailure(NeedletailError(.notFound, "gone"), requestID: "r", into: &out)
        #expect(status == 404 && String(buffer: out) == #"{"error":"gone"}"#)
        out.clear()
        OllamaChat.encodeStreamFailure(NeedletailError(.upstreamFailed, "broke"), requestID: "r", into: &out)
        #expect(String(buffer: out) == "{\"error\":\"broke\"}\n")
        let error = OllamaChat.decodeFailure(
            status: 404, headers: [:], body: ByteBuffer(string: #"{"error":"model 'x' not found"}"#))
        #expect(error.code == .notFound && error.message == "model 'x' not found")
    }

    @Test(
        "Times are read with fractions and offsets, and written as UTC",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2024-02-29T23:59:59.999999999+00:00", 1_709_251_199),
            ("2023-08-04T08:52:19.385406455-07:00", 1_691_164_339),
        ] as [(String, Int64)])
    func times(_ text: String, _ seconds: Int64) {
        #expect(OllamaTime.seconds(text) == seconds)
        #expect(OllamaTime.seconds(OllamaTime.text(seconds)) == seconds)
    }

    @Test(
        "What is no time is none",
        arguments: ["", "yesterday", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20", "2023-11-14T22:13:20+x"])
    func noTimes(_ text: String) {
        #expect(OllamaTime.seconds(text) == nil)
    }
}
