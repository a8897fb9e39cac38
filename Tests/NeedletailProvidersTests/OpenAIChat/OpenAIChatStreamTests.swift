import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@Suite("OpenAI chat: streams")
struct OpenAIChatStreamTests {
    static func chunk(_ delta: String, finish: String = "null", more: String = "") -> String {
        #"data: {"id":"r1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":"#
            + delta + #","finish_reason":"# + finish + "}]" + more + "}\n\n"
    }

    static func decode(_ text: String) throws -> [ChatEvent] {
        var decoder = OpenAIChat.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(ByteBuffer(string: text), into: &events)
        try decoder.finish(into: &events)
        return events
    }

    static let good =
        chunk(#"{"role":"assistant","content":""}"#) + ": comment\n\n"
        + chunk(#"{"reasoning":"hm","reasoning_content":"hm"}"#)
        + chunk(#"{"content":"Grüß \ud83d\ude00"}"#)
        + chunk(#"{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}"#)
        + chunk(#"{"tool_calls":[{"index":0,"id":"","function":{"name":null,"arguments":"{\"a\":"}}]}"#)
        + chunk(
            #"{"tool_calls":[{"index":0,"id":null,"function":{"arguments":"1}"}},{"index":1,"id":"c2","function":{"name":"g","arguments":"{}"}}]}"#
        )
        + chunk("{}", finish: #""stop""#) + chunk("{}", finish: #""stop""#)
        + "data: {\"id\":\"r1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}\n\n"
        + "data: [DONE]\n\n"

    @Test("A stream means the same wherever it is split")
    func splits() throws {
        let whole = try Self.decode(Self.good)
        let reply = OpenAIChatCollector.reply(whole)
        #expect(reply.text == "Grüß 😀")
        #expect(
            reply.toolCalls == [
                ToolCall(id: "c1", name: "f", arguments: #"{"a":1}"#), ToolCall(id: "c2", name: "g", arguments: "{}"),
            ])
        #expect(reply.choices[0].stopReason == .toolCalls)
        #expect(whole.filter { if case .reasoning = $0 { true } else { false } } == [.reasoning("hm", choice: 0)])
        #expect(reply.usage == Usage(inputTokens: 3, outputTokens: 4))
        let bytes = Array(Self.good.utf8)
        for split in 0...bytes.count {
            var decoder = OpenAIChat.makeStreamDecoder()
            var events: [ChatEvent] = []
            try decoder.decode(ByteBuffer(bytes: bytes[..<split]), into: &events)
            try decoder.decode(ByteBuffer(bytes: bytes[split...]), into: &events)
            try decoder.finish(into: &events)
            #expect(events == whole, "split at \(split)")
        }
    }

    @Test("Calls in pieces without a list around them are calls, and parts of reasoning are reasoning")
    func shapes() throws {
        let events = try Self.decode(
            Self.chunk(#"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}]}"#)
                + Self.chunk(
                    #"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"","signature":"s"}]}]}"#
                )
                + Self.chunk(#"{"tool_calls":{"index":0,"id":"","function":{"name":"f","arguments":"{\"a\""}}}"#)
                + Self.chunk(#"{"tool_calls":{"index":0,"id":"","function":{"name":null,"arguments":":1}"}}}"#)
                + Self.chunk("{}", finish: #""eos_token""#) + "data: [DONE]\n\n")
        let choice = OpenAIChatCollector.reply(events).choices[0]
        #expect(events.contains(.reasoning("hm", choice: 0)) && events.contains(.reasoningSignature("s", choice: 0)))
        #expect(choice.stopReason == .toolCalls)
        #expect(
            choice.content.last
                == .toolCall(ToolCall(id: "call_r1_0_0", name: "f", arguments: #"{"a":1}"#)))
    }

    @Test("A call whose name is known may begin with all of its arguments, however many")
    func largeFragment() throws {
        let arguments = String(repeating: "x", count: 1_200_000)
        let delta =
            #"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"\#(arguments)"}}]}"#
        let events = try Self.decode(Self.chunk(delta, finish: #""tool_calls""#) + "data: [DONE]\n\n")
        #expect(events.contains(.toolCallArguments(index: 0, fragment: arguments, choice: 0)))
    }

    @Test("A stream that stops early is an error, one without [DONE] is not")
    func ends() throws {
        #expect(try Self.decode(Self.chunk(#"{"content":"x"}"#, finish: #""stop""#)).last != nil)
        let error = try #require(throws: NeedletailError.self) { try Self.decode(Self.chunk(#"{"content":"x"}"#)) }
        #expect(error.code == .unreachable)
        let inferred = try Self.decode(Self.chunk(#"{"content":"x"}"#, finish: "\"\"") + "data: [DONE]\n\n")
        #expect(inferred.last == .finished(.endTurn, stopSequence: nil, choice: 0))
    }

    @Test(
        "An error inside a stream is thrown by its kind",
        arguments: [
            (#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#, "upstreamFailed"),
            (#"{"error":{"message":"m","type":"x","code":"rate_limit_exceeded"}}"#, "rateLimited"),
            (#"{"error":{"message":"m","type":"overloaded_error"}}"#, "overloaded"),
            (#"{"error":{"message":"m","type":"invalid_request_error"}}"#, "invalidRequest"),
            (#"{"error":{"message":"m","code":502}}"#, "upstreamFailed"),
            (#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#, "invalidRequest"),
            ("not json", "malformedReply"), ("[1]", "malformedReply"),
            (#"{"choices":[{"delta":{"content":1}}]}"#, "malformedReply"),
        ])
    func errors(_ data: String, _ code: String) throws {
        let text = Self.chunk(#"{"content":"x"}"#) + "data: \(data)\n\n"
        let error = try #require(throws: NeedletailError.self) { try Self.decode(text) }
        #expect(error.code.description == code)
        guard !data.contains("\"delta\"") else { return }
        var tap = OpenAIChat.makeStreamTap()
        let tapped = try #require(throws: NeedletailError.self) {
            try tap.observe(name: ByteBuffer(), data: ByteBuffer(string: data))
        }
        #expect(tapped.code.description == code)
    }

    @Test("Calls that are all number 0 are told apart by id; calls without id get one")
    func ids() throws {
        let text =
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#)
            + Self.chunk(#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]}"#)
            + Self.chunk(
                #"{"tool_calls":[{"index":2,"function":{"name":"h","arguments":"{}"}}]}"#, finish: #""tool_call""#)
        let calls = OpenAIChatCollector.reply(try Self.decode(text)).toolCalls
        #expect(calls.map(\.name) == ["f", "g", "h"])
        #expect(calls.map(\.id) == ["a", "b", "call_r1_0_2"])
    }

    @Test("Calls that are all number 0 and have no id are told apart by name")
    func callsByName() throws {
        let calls = ["f", "g"].map { name in
            Self.chunk(
                #"{"tool_calls":[{"index":0,"id":"","function":{"name":"\#(name)","arguments":"{\"x\":\"\#(name)\"}"}}]}"#
            )
        }
        // The name may come again with the rest of the arguments.
        let rest = Self.chunk(#"{"tool_calls":[{"index":0,"function":{"name":"g","arguments":" "}}]}"#)
        let reply = OpenAIChatCollector.reply(
            try Self.decode(calls.joined() + rest + Self.chunk("{}", finish: #""stop""#) + "data: [DONE]\n\n"))
        #expect(reply.toolCalls.map(\.name) == ["f", "g"])
        #expect(reply.toolCalls.map(\.arguments) == [#"{"x":"f"}"#, #"{"x":"g"} "#])
    }

    @Test("Calls of one function that are all number 0 and have no id are told apart by their arguments, whole each")
    func callsByArguments() throws {
        func call(_ arguments: String) -> String {
            Self.chunk(
                #"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"\#(arguments)"}}]}"#)
        }
        // A brace in a text ends nothing, and a name that comes with every fragment begins nothing.
        let first = call(#"{\"a\":\"}\","#) + call(#"\"b\":{\"c\":1}}"#)
        let second = call(#"{\"a\":\"\\\"{\"}"#)
        let reply = OpenAIChatCollector.reply(
            try Self.decode(first + second + Self.chunk("{}", finish: #""stop""#) + "data: [DONE]\n\n"))
        #expect(reply.toolCalls.map(\.name) == ["f", "f"])
        #expect(reply.toolCalls.map(\.arguments) == [#"{"a":"}","b":{"c":1}}"#, #"{"a":"\"{"}"#])
        #expect(Set(reply.toolCalls.map(\.id)).count == 2)
    }

    @Test("The tap sees usage, the usage chunk and the end")
    func tap() throws {
        var tap = OpenAIChat.makeStreamTap()
        func see(_ data: String) throws -> TapVerdict {
            try tap.observe(name: ByteBuffer(), data: ByteBuffer(string: data))
        }
        let azure = #"{"choices":[],"id":"","prompt_filter_results":[],"usage":null}"#
        #expect(try see(azure) == .forward)
        #expect(try see(#"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}"#) == .forward)
        #expect(!tap.isComplete)
        #expect(try see(#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#) == .forward)
        #expect(!tap.isComplete)
        #expect(
            try see(
                #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"usage":{"prompt_tokens":1,"completion_tokens":1}}}"#
            ) == .forward)
        #expect(tap.isComplete && !tap.isTerminated)
        #expect(try see(#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6}}"#) == .usageOnly)
        #expect(tap.usage == Usage(inputTokens: 5, outputTokens: 6))
        #expect(try see("[DONE]") == .forward)
        #expect(tap.isTerminated)
    }

    static func encode(_ events: [ChatEvent], usage: Bool, legacy: Bool = false) -> (text: String, losses: [Loss]) {
        var options = StreamEncoderOptions(includesUsage: usage, model: "m", created: 7, replyID: "r9")
        options.usesLegacyFunctions = legacy
        options.source = .anthropicMessages
        var encoder = OpenAIChat.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return (String(buffer: out), encoder.losses)
    }

    @Test("What is written is what OpenAI writes")
    func golden() {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "msg_1", model: "c")), .text("Hi", choice: 0),
            .toolCallStarted(index: 0, id: "t", name: "f", isCustom: false, choice: 0),
            .usage(Usage(inputTokens: 1, outputTokens: 2)),
            .finished(.endTurn, stopSequence: nil, choice: 0),
        ]
        let head = #"data: {"id":"msg_1","object":"chat.completion.chunk","created":7,"model":"c","choices":["#
        func line(_ delta: String, _ finish: String = "null") -> String {
            head + #"{"index":0,"delta":{\#(delta)},"logprobs":null,"finish_reason":\#(finish)}]}"# + "\n\n"
        }
        #expect(
            Self.encode(events, usage: false).text
                == line(#""role":"assistant","content":"""#) + line(#""content":"Hi""#)
                + line(#""tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":""}}]"#)
                + line(#""tool_calls":[{"index":0,"function":{"arguments":"{}"}}]"#)
                + line("", #""tool_calls""#) + "data: [DONE]\n\n")
        let withUsage = Self.encode(events, usage: true).text
        #expect(withUsage.contains(#""choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"#))
        #expect(withUsage.components(",\"usage\":null}").count == 6)
        let legacy = Self.encode(events, usage: false, legacy: true).text
        #expect(legacy.contains(#""function_call":{"name":"f","arguments":""}"#))
        #expect(legacy.contains(#""finish_reason":"function_call""#))
    }

    @Test("A refusal without words gets some, as in a whole reply; one after text has been sent is content_filter")
    func refusals() {
        let start = ChatEvent.started(StreamStart(id: "m", model: "c"))
        let end = ChatEvent.finished(.refusal, stopSequence: nil, choice: 0)
        let wordless = Self.encode([start, end], usage: false).text
        #expect(wordless.contains(#""delta":{"refusal":"The model declined to answer."}"#))
        #expect(wordless.contains(#""finish_reason":"stop""#))
        let late = Self.encode([start, .text("No.", choice: 0), end], usage: false).text
        #expect(!late.contains(#""refusal""#) && late.contains(#""finish_reason":"content_filter""#))
        let told = Self.encode([start, .refusal("No.", choice: 0), end], usage: false).text
        #expect(!told.contains("declined") && told.contains(#""finish_reason":"stop""#))
    }

    @Test("Entries of lists say where they stand, since OpenAI's SDKs join the lists of chunks by that")
    func lists() {
        let annotation = JSONText(unchecked: #"{"type":"url_citation","url_citation":{"url":"https://a"}}"#)
        let events: [ChatEvent] = [
            .started(StreamStart(id: "c", model: "m")), .text("x", choice: 0),
            .citation(annotation, dialect: .openAIChat, choice: 0),
            .citation(annotation, dialect: .openAIChat, choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0),
        ]
        let text = Self.encode(events, usage: false).text
        for index in 0..<2 {
            #expect(text.contains(#""annotations":[{"index":\#(index),"type":"url_citation","url_citation":{"#))
        }
    }

    @Test("Thinking can be sent back: its signature comes with its text, and is read as one block")
    func thinking() throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "msg_1", model: "c")), .reasoning("h", choice: 0), .reasoning("m", choice: 0),
            .reasoningSignature("S", choice: 0), .redactedReasoning("R", choice: 0), .text("x", choice: 0),
            .finished(.pauseTurn, stopSequence: nil, choice: 0),
        ]
        let (text, losses) = Self.encode(events, usage: false)
        #expect(text.contains(#""thinking_blocks":[{"index":0,"type":"thinking","thinking":"hm","signature":"S"}]"#))
        #expect(text.contains(#""thinking_blocks":[{"index":1,"type":"redacted_thinking","data":"R"}]"#))
        #expect(losses.map(\.field) == ["stop_reason"])
        let again = try Self.decode(text)
        #expect(again.dropFirst().dropLast() == events.dropFirst().dropLast())
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = [""]
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(separator) {
                parts.append("")
                rest = rest.dropFirst(separator.count)
            } else {
                parts[parts.count - 1].append(rest.removeFirst())
            }
        }
        return parts
    }
}
