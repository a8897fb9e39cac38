import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Anthropic streams")
struct AnthropicStreamTests {
    static let start =
        #"data: {"type":"message_start","message":{"id":"m","model":"c","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}"#
        + "\n\n"
    static let stop = """
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":3,"output_tokens":9}   }

        data: {"type":"message_stop"}
        """

    static func events(_ stream: String) -> (events: [ChatEvent], error: NeedletailError?) {
        AnthropicFixtureTests.decode([ByteBuffer(string: stream)])
    }

    static let everything =
        start + """
            event: ping
            data: {"type": "ping"}

            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

            data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm é 😀"}  }

            data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}

            data: {"type":"content_block_stop","index":0}

            data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"xx"}}

            data: {"type":"content_block_stop","index":1}

            data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

            data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"a"}}

            data: {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"x"}}}

            data: {"type":"content_block_delta","index":2,"delta":{"type":"new_delta","text":"?"}}

            data: {"type":"content_block_stop","index":2}

            data: {"type":"new_event"}

            data: {"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"s","name":"w","input":{}}}

            data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\\"q\\":"}}

            data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"1}"}}

            data: {"type":"content_block_stop","index":3}

            data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}

            data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}

            data: {"type":"content_block_stop","index":4}


            """ + stop

    @Test("Every kind of event becomes what it means")
    func everyKind() {
        let (events, error) = Self.events(Self.everything)
        #expect(error == nil)
        var first = Usage(inputTokens: 3, outputTokens: 1)
        let started = ChatEvent.started(StreamStart(id: "m", model: "c"))
        let search = JSONText(unchecked: #"{"type":"server_tool_use","id":"s","name":"w","input":{"q":1}}"#)
        var expected: [ChatEvent] = [started, .usage(first)]
        expected += [.reasoning("hm é 😀", choice: 0), .reasoningSignature("sig", choice: 0), .blockEnded(choice: 0)]
        expected += [.redactedReasoning("xx", choice: 0), .blockEnded(choice: 0), .text("a", choice: 0)]
        expected += [
            .citation(JSONText(unchecked: #"{"type":"x"}"#), dialect: .anthropicMessages, choice: 0),
            .blockEnded(choice: 0),
            .opaque(OpaquePart(dialect: .anthropicMessages, type: "server_tool_use", json: search), choice: 0),
            .toolCallStarted(index: 0, id: "t", name: "f", isCustom: false, choice: 0),
            .toolCallArguments(index: 0, fragment: "{}", choice: 0), .blockEnded(choice: 0),
        ]
        first.outputTokens = 9
        expected += [.usage(first), .finished(.endTurn, stopSequence: nil, choice: 0)]
        #expect(events == expected)
    }

    @Test("A stream means the same wherever it is cut in two")
    func everySplit() {
        let bytes = ByteBuffer(string: Self.everything)
        let whole = Self.events(Self.everything).events
        for cut in 0...bytes.readableBytes {
            var rest = bytes
            let head = rest.readSlice(length: cut) ?? ByteBuffer()
            let events = AnthropicFixtureTests.decode([head, rest]).events
            if events != whole {
                Issue.record("cut at byte \(cut)")
                return
            }
        }
    }

    struct Failing: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var stream: String
        var code: NeedletailError.Code
    }

    static let failing: [Failing] = [
        Failing(testDescription: "nothing", stream: "", code: .unreachable),
        Failing(testDescription: "an end too soon", stream: start, code: .unreachable),
        Failing(testDescription: "no start", stream: stop, code: .malformedReply),
        Failing(testDescription: "no JSON", stream: start + "data: {\"type\":\n\n", code: .malformedReply),
        Failing(testDescription: "no type", stream: start + "data: {}\n\n", code: .malformedReply),
        Failing(testDescription: "no object", stream: start + "data: [1]\n\n", code: .malformedReply),
        Failing(
            testDescription: "a delta for no block",
            stream: start
                + #"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"# + "\n\n",
            code: .malformedReply),
        Failing(
            testDescription: "an end without a reason", stream: start + "data: {\"type\":\"message_stop\"}\n\n",
            code: .malformedReply),
        Failing(
            testDescription: "an error at once",
            stream: #"data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"# + "\n\n",
            code: .overloaded),
        Failing(
            testDescription: "a limit in the middle",
            stream: start + #"data: {"type":"error","error":{"type":"rate_limit_error","message":"x"}}"# + "\n\n",
            code: .rateLimited),
    ]

    @Test("A broken stream fails as what it is", arguments: Self.failing)
    func failure(_ failing: Failing) {
        #expect(Self.events(failing.stream).error?.code == failing.code)
    }

    @Test("A stream that was cut off after its stop reason is whole")
    func endsWithoutStop() {
        let cut = Self.everything.replacingOccurrences(of: #"data: {"type":"message_stop"}"#, with: "")
        #expect(Self.events(cut).error == nil)
        #expect(Self.events(cut).events == Self.events(Self.everything).events)
    }

    @Test(
        "The tap refuses what is no event",
        arguments: ["", "{", "nonsense", "{\"type\":\"ping\"}x", "[]", "{}", "3", "{\"type\":\"message_stop\"}"])
    func tapRefuses(_ data: String) {
        var tap = AnthropicMessages.makeStreamTap()
        let error = #expect(throws: NeedletailError.self) {
            try tap.observe(name: ByteBuffer(), data: ByteBuffer(string: data))
        }
        #expect(error?.code == .malformedReply)
    }

    @Test("The tap finds the type wherever it stands")
    func tapOrder() throws {
        var tap = AnthropicMessages.makeStreamTap()
        let events = [
            #"{"message":{"usage":{"input_tokens":3,"output_tokens":1}},"type":"message_start"}"#,
            #" { "type" : "content_block_delta" , "index":0,"delta":{"type":"text_delta","text":"message_stop"}}"#,
            #"{"index":0,"type":"content_block_stop"}"#, "[DONE]",
            #"{"usage":{"output_tokens":9},"delta":{"stop_reason":"end_turn"},"type":"message_delta"}"#,
        ]
        for event in events {
            #expect(try tap.observe(name: ByteBuffer(), data: ByteBuffer(string: event)) == .forward)
        }
        #expect(tap.usage == Usage(inputTokens: 3, outputTokens: 9))
        #expect(tap.isComplete)
        #expect(!tap.isTerminated)
    }

    // MARK: Writing

    static func write(_ events: [ChatEvent]) -> (text: String, losses: [String]) {
        var options = StreamEncoderOptions(includesUsage: false, model: "m", created: 0, replyID: "msg_1")
        options.source = .openAIChat
        var encoder = AnthropicMessages.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return (String(buffer: out), encoder.losses.map(\.field))
    }

    @Test("Fragments of several calls, sent in turn, become one block after the other")
    func interleaved() {
        func call(_ index: Int) -> ChatEvent {
            .toolCallStarted(index: index, id: "t\(index)", name: "f\(index)", isCustom: false, choice: 0)
        }
        func more(_ index: Int, _ fragment: String) -> ChatEvent {
            .toolCallArguments(index: index, fragment: fragment, choice: 0)
        }
        let events: [ChatEvent] = [
            .started(StreamStart(id: "", model: "")), .text("a", choice: 0), call(0), more(0, #"{"x":"}"#), call(1),
            more(1, #"{"y""#), .text("b", choice: 0), call(2), more(0, #"\""#), more(1, ":2}"), more(0, #""}"#),
            .finished(.endTurn, stopSequence: nil, choice: 0), .usage(Usage(inputTokens: 5, outputTokens: 6)),
        ]
        let (text, losses) = Self.write(events)
        let naive = NaiveReply(stream: text)
        #expect(losses == [])
        #expect(naive.text == "ab")
        #expect(naive.calls.map(\.id) == ["t0", "t1", "t2"])
        #expect(naive.calls.map(\.input) == [["x": "}\""], ["y": 2], [:]])
        #expect(naive.stop == "tool_use", "calls say so, even where the provider said stop")
        #expect(naive.input == 5)
        #expect(naive.output == 6)
        #expect(Self.events(text).error == nil)
        #expect(text.hasSuffix("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
        #expect(text.contains(#""id":"msg_1""#))
    }

    @Test("What this dialect cannot say is reported once")
    func reported() {
        let (text, losses) = Self.write([
            .started(StreamStart(id: "x", model: "y")), .text("a", choice: 0), .text("b", choice: 1),
            .text("c", choice: 1), .logprobs(JSONText(unchecked: "{}"), choice: 0),
            .citation(JSONText(unchecked: "{}"), dialect: .openAIChat, choice: 0), .refusal("no", choice: 0),
            .finished(.contentFilter, stopSequence: nil, choice: 0),
        ])
        #expect(NaiveReply(stream: text).text == "ano")
        #expect(NaiveReply(stream: text).stop == "refusal")
        #expect(losses == ["choices", "choices.logprobs", "choices.message.annotations"])
    }

    @Test("An empty reply is still a whole stream")
    func empty() {
        let (text, _) = Self.write([
            .started(StreamStart(id: "", model: "")), .finished(.maxTokens, stopSequence: nil, choice: 0),
        ])
        let (events, error) = Self.events(text)
        #expect(error == nil)
        #expect(events.last == .finished(.maxTokens, stopSequence: nil, choice: 0))
    }
}
