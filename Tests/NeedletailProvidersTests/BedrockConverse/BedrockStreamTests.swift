import Foundation
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Bedrock Converse streams")
struct BedrockStreamTests {
    /// A stream of frames, each with its padding.
    static func stream(_ frames: [(String, String)]) -> ByteBuffer {
        var out = ByteBuffer()
        for (name, json) in frames {
            let kind = name.hasSuffix("Exception") ? "exception" : "event"
            out.writeImmutableBuffer(
                EventStreamTests.frame(
                    [
                        (":\(kind)-type", EventStreamTests.string(name)),
                        (":content-type", EventStreamTests.string("application/json")),
                        (":message-type", EventStreamTests.string(kind)),
                    ], payload: json.dropLast() + (json == "{}" ? "" : ",") + #""p":"abc"}"#))
        }
        return out
    }

    private static let start = ("messageStart", #"{"role":"assistant"}"#)
    private static let end = [
        ("messageStop", #"{"stopReason":"end_turn"}"#),
        ("metadata", #"{"usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7},"metrics":{"latencyMs":1}}"#),
    ]

    private static func delta(_ index: Int, _ delta: String) -> (String, String) {
        ("contentBlockDelta", #"{"contentBlockIndex":\#(index),"delta":\#(delta)}"#)
    }

    private static func stop(_ index: Int) -> (String, String) {
        ("contentBlockStop", #"{"contentBlockIndex":\#(index)}"#)
    }

    static func decode(_ pieces: [ByteBuffer]) -> (events: [ChatEvent], error: NeedletailError?) {
        var decoder = BedrockStreamDecoder()
        var events: [ChatEvent] = []
        do {
            for piece in pieces { try decoder.decode(piece, into: &events) }
            try decoder.finish(into: &events)
            return (events, nil)
        } catch {
            return (events, error)
        }
    }

    @Test("blocks without a start, a call in fragments, sources before their text, a call that Bedrock answered")
    func events() {
        let bytes = Self.stream(
            [
                Self.start, Self.delta(0, #"{"reasoningContent":{"text":"hm"}}"#),
                Self.delta(0, #"{"reasoningContent":{"signature":"sig"}}"#), Self.stop(0),
                Self.delta(1, #"{"citation":{"title":"t"}}"#), Self.delta(1, #"{"text":"Hi"}"#), Self.stop(1),
                (
                    "contentBlockStart",
                    #"{"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"s","name":"run","type":"server_tool_use"}}}"#
                ),
                Self.delta(2, #"{"toolUse":{"input":"{\"a\""}}"#), Self.delta(2, #"{"toolUse":{"input":":1}"}}"#),
                Self.stop(2),
                (
                    "contentBlockStart",
                    #"{"contentBlockIndex":3,"start":{"toolResult":{"toolUseId":"s","status":"success"}}}"#
                ),
                Self.delta(3, #"{"toolResult":[{"text":"ok"}]}"#), Self.stop(3),
                ("contentBlockStart", #"{"contentBlockIndex":4,"start":{"toolUse":{"toolUseId":"c","name":"f"}}}"#),
                Self.delta(4, #"{"toolUse":{"input":""}}"#), Self.delta(4, #"{"toolUse":{"input":"{\"b\":"}}"#),
                Self.delta(4, #"{"toolUse":{"input":"2}"}}"#), Self.stop(4),
                (
                    "contentBlockStart",
                    #"{"contentBlockIndex":5,"start":{"toolUse":{"toolUseId":"d","name":"g","type":"tool_use"}}}"#
                ),
                Self.stop(5), ("newKind", "{}"), Self.delta(6, #"{"image":{}}"#),
            ] + Self.end)
        var usage = Usage(inputTokens: 3, outputTokens: 4)
        usage.timing = ProviderTiming()
        usage.timing?.total = 1_000_000
        let expected: [ChatEvent] = [
            .started(StreamStart(id: "", model: "")), .reasoning("hm", choice: 0),
            .reasoningSignature("sig", choice: 0), .blockEnded(choice: 0), .text("Hi", choice: 0),
            .citation(JSONText(unchecked: #"{"title":"t"}"#), dialect: .bedrockConverse, choice: 0),
            .blockEnded(choice: 0),
            .opaque(
                OpaquePart(
                    dialect: .bedrockConverse, type: "toolUse",
                    json: JSONText(
                        unchecked:
                            #"{"toolUse":{"toolUseId":"s","name":"run","type":"server_tool_use","input":{"a":1}}}"#)),
                choice: 0),
            .opaque(
                OpaquePart(
                    dialect: .bedrockConverse, type: "toolResult",
                    json: JSONText(
                        unchecked: #"{"toolResult":{"toolUseId":"s","status":"success","content":[{"text":"ok"}]}}"#)),
                choice: 0),
            .toolCallStarted(index: 0, id: "c", name: "f", isCustom: false, choice: 0),
            .toolCallArguments(index: 0, fragment: #"{"b":"#, choice: 0),
            .toolCallArguments(index: 0, fragment: "2}", choice: 0), .blockEnded(choice: 0),
            .toolCallStarted(index: 1, id: "d", name: "g", isCustom: false, choice: 0),
            .toolCallArguments(index: 1, fragment: "{}", choice: 0), .blockEnded(choice: 0), .blockEnded(choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0), .usage(usage),
        ]
        let whole = Self.decode([bytes])
        #expect(whole.events == expected)
        #expect(whole.error == nil)
        #expect(Self.decode(bytes.split(every: 1)).events == expected)
    }

    @Test("an image that is elsewhere or broken is told, not left out")
    func images() {
        let begin = ("contentBlockStart", #"{"contentBlockIndex":0,"start":{"image":{"format":"png"}}}"#)
        let decode = { (sources: [String]) in
            let deltas = sources.map { Self.delta(0, #"{"image":{"source":\#($0)}}"#) }
            return Self.decode([Self.stream([Self.start, begin] + deltas + [Self.stop(0)] + Self.end)])
        }
        #expect(decode([#"{"bytes":"A"}"#, #"{"bytes":"A"}"#]).error?.code == .malformedReply)
        let elsewhere = decode([#"{"s3Location":{"uri":"s3://b/k"}}"#])
        let told = JSONText(unchecked: #"{"image":{"source":{"s3Location":{"uri":"s3://b/k"}}}}"#)
        #expect(elsewhere.error == nil)
        #expect(
            elsewhere.events.contains(
                .opaque(OpaquePart(dialect: .bedrockConverse, type: "image", json: told), choice: 0)))
    }

    @Test("a stream without figures is whole, one without an end is not")
    func ends() {
        let frames = [Self.start, Self.delta(0, #"{"text":"Hi"}"#)]
        #expect(Self.decode([Self.stream(frames + [Self.end[0]])]).error == nil)
        let cut = Self.decode([Self.stream(frames)])
        #expect(cut.error?.code == .unreachable)
        #expect(cut.events.contains(.text("Hi", choice: 0)))
        var decoder = BedrockStreamDecoder()
        var events: [ChatEvent] = []
        let isWhole = decoder.salvage(into: &events)
        #expect(!isWhole)
    }

    @Test(
        "exceptions and errors mean what they say",
        arguments: [
            ("throttlingException", .rateLimited), ("validationException", .invalidRequest),
            ("internalServerException", .upstreamFailed), ("serviceUnavailableException", .overloaded),
            ("modelStreamErrorException", .upstreamFailed), ("somethingNewException", .upstreamFailed),
        ] as [(String, NeedletailError.Code)])
    func exceptions(_ type: String, _ code: NeedletailError.Code) throws {
        let bytes = Self.stream([Self.start, (type, #"{"message":"No."}"#)])
        let error = Self.decode([bytes]).error
        #expect(error?.code == code)
        #expect(error?.message == "No.")
        #expect(error?.upstream?.status == 200)
        var tap = BedrockStreamTap()
        let events = try EventStreamTests.decode([bytes])
        _ = try tap.observe(name: events[0].name, data: events[0].data)
        let seen = #expect(throws: NeedletailError.self) {
            try tap.observe(name: events[1].name, data: events[1].data)
        }
        #expect(seen?.code == code)
    }

    @Test(
        "what is no stream of Converse's is refused",
        arguments: [
            [delta(0, #"{"text":"x"}"#)], [("messageStart", "[")], [start, ("contentBlockDelta", #"{"a":1}"#)],
            [start, delta(0, #"{"toolUse":{"input":"x"}}"#)],
            [start, ("contentBlockStart", #"{"contentBlockIndex":0,"start":{"toolUse":{}}}"#)],
            [start, ("messageStop", #"{"x":1}"#)],
        ])
    func malformed(_ frames: [(String, String)]) {
        #expect(Self.decode([Self.stream(frames)]).error?.code == .malformedReply)
    }

    @Test("an error event of ours is read as what it was")
    func ownFailure() {
        var out = Self.stream([Self.start])
        BedrockConverse.encodeStreamFailure(NeedletailError(.rateLimited, "slow"), requestID: "r", into: &out)
        #expect(Self.decode([out]).error?.code == .rateLimited)
    }

    // MARK: The encoder

    private static func encode(
        _ events: [ChatEvent], from source: DialectID = .openAIChat
    ) throws -> (reply: BedrockPlainReply, names: [String], losses: [String]) {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = source
        var encoder = BedrockStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        let names = try EventStreamTests.decode([out]).map { String(buffer: $0.name) }
        return (BedrockPlainReply(stream: out), names, encoder.losses.map(\.field))
    }

    @Test("calls whose fragments alternate are sent one after the other")
    func alternating() throws {
        let (reply, names, losses) = try Self.encode([
            .started(StreamStart(id: "x", model: "y")), .text("Wait.", choice: 0),
            .toolCallStarted(index: 0, id: "a", name: "f", isCustom: false, choice: 0),
            .toolCallStarted(index: 1, id: "b", name: "g", isCustom: false, choice: 0),
            .toolCallArguments(index: 1, fragment: "{\"x\":", choice: 0),
            .toolCallArguments(index: 0, fragment: "{\"y\":", choice: 0), .text("More.", choice: 0),
            .toolCallArguments(index: 1, fragment: "1}", choice: 0),
            .toolCallArguments(index: 0, fragment: "2}", choice: 0),
            .toolCallStarted(index: 2, id: "c", name: "h", isCustom: false, choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0), .usage(Usage(inputTokens: 5, outputTokens: 6)),
        ])
        #expect(
            reply.calls == [
                .init(id: "a", name: "f", arguments: #"{"y":2}"#), .init(id: "b", name: "g", arguments: #"{"x":1}"#),
                .init(id: "c", name: "h", arguments: "{}"),
            ])
        #expect(reply.text == "Wait.More.")
        #expect(reply.stop == "tool_use")
        #expect(reply.input == 5 && reply.output == 6)
        #expect(names.first == "messageStart" && names.suffix(2) == ["messageStop", "metadata"])
        #expect(losses == [])
    }

    @Test("each block has one end, text has no start")
    func blocks() throws {
        let (reply, names, _) = try Self.encode([
            .started(StreamStart(id: "", model: "")), .reasoning("a", choice: 0),
            .reasoningSignature("s", choice: 0), .redactedReasoning("cmVk", choice: 0), .text("b", choice: 0),
            .text("c", choice: 0), .finished(.stopSequence, stopSequence: "END", choice: 0),
        ])
        #expect(
            names == [
                "messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "contentBlockDelta",
                "contentBlockStop", "contentBlockDelta", "contentBlockDelta", "contentBlockStop", "messageStop",
                "metadata",
            ])
        #expect(reply.reasoning == "a" && reply.signature == "s" && reply.redacted == ["cmVk"] && reply.text == "bc")
        #expect(reply.stop == "stop_sequence")
    }

    @Test("state that is no base64 is some for Amazon's SDKs, and comes back as it was", arguments: ["gAA-_x", "r:1"])
    func foreignState(_ state: String) throws {
        let (reply, _, _) = try Self.encode([
            .redactedReasoning(state, choice: 0), .finished(.endTurn, stopSequence: nil, choice: 0),
        ])
        let shown = try #require(reply.redacted.first)
        #expect(Data(base64Encoded: shown) != nil)
        var request = ChatRequest(
            model: "m", messages: [.user("Hi"), ChatMessage(.assistant, [.redactedReasoning(state)])])
        request.source = .bedrockConverse
        var out = ByteBuffer()
        _ = try BedrockConverse.encodeRequest(request, into: &out)
        #expect(String(buffer: out).contains(shown))
        #expect(try BedrockConverse.decodeRequest(out).messages[1].content == [.redactedReasoning(state)])
    }

    @Test("free text for a tool is wrapped, and what has no words here is named")
    func losses() throws {
        let (reply, _, losses) = try Self.encode([
            .toolCallStarted(index: 0, id: "a", name: "f", isCustom: true, choice: 0),
            .toolCallArguments(index: 0, fragment: "say \"", choice: 0),
            .toolCallArguments(index: 0, fragment: "hi\"", choice: 0),
            .text("other", choice: 1), .refusal("no", choice: 0),
            .logprobs(JSONText(unchecked: "{}"), choice: 0),
            .citation(JSONText(unchecked: "{}"), dialect: .openAIChat, choice: 0),
        ])
        #expect(reply.calls.map(\.arguments) == [#"{"input":"say \"hi\""}"#])
        #expect(reply.text == "no")
        #expect(
            Set(losses) == [
                "choices", "choices.message.refusal", "choices.logprobs", "choices.message.annotations",
            ])
    }
}
