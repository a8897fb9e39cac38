import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

/// What every dialect's stream encoder must stand, whichever dialect the events come from.
@Suite("Each dialect's stream encoder")
struct StreamEncoderTests {
    /// The first events of a reply, each of which may be the first of its choice.
    private static let beginnings: [ChatEvent] = [
        .text("a", choice: 0),
        .citation(JSONText(unchecked: #"{"url":"https://u"}"#), dialect: .openAIChat, choice: 0),
        .refusal("no", choice: 0), .reasoning("hm", choice: 0), .reasoningSignature("S", choice: 0),
        .redactedReasoning("R", choice: 0), .blockEnded(choice: 0),
        .opaque(OpaquePart(dialect: .gemini, type: "t", json: JSONText(unchecked: "{\n\"t\":\n1}")), choice: 0),
        .audio(JSONText(unchecked: #"{"id":"a","data":"QUJD"}"#), choice: 0),
        .logprobs(JSONText(unchecked: #"{"content":[{"token":"a","logprob":-1,"top_logprobs":[]}]}"#), choice: 0),
        .toolCallStarted(index: 0, id: "c", name: "look", isCustom: false, choice: 0),
        .toolCallArguments(index: 0, fragment: "{}", choice: 0),
        .finished(.endTurn, stopSequence: nil, choice: 0), .usage(Usage(inputTokens: 1, outputTokens: 1)),
    ]

    private static func encode(_ events: [ChatEvent], _ dialect: DialectID) -> ByteBuffer {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = .openAIChat
        var encoder = dialect.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return out
    }

    @Test("any event may be the first after the start", arguments: DialectID.allCases, beginnings.indices)
    func firstEvent(_ dialect: DialectID, _ index: Int) throws {
        let start = ChatEvent.started(StreamStart(id: "id", model: "m"))
        let bytes = Self.encode(
            [start, Self.beginnings[index], .finished(.endTurn, stopSequence: nil, choice: 0)], dialect)
        var decoder = dialect.dialect.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(bytes, into: &events)
        try decoder.finish(into: &events)
        #expect(!events.isEmpty)
    }

    @Test("Anthropic's redacted reasoning reaches a client of chat in a stream as in a whole reply")
    func redacted() throws {
        let stream =
            #"{"type":"message_start","message":{"id":"m1","model":"m","content":[],"usage":{"input_tokens":1}}}"# + "|"
            + #"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"R"}}"# + "|"
            + #"{"type":"content_block_stop","index":0}|{"type":"message_delta","delta":{"stop_reason":"end_turn"}}|"#
            + #"{"type":"message_stop"}"#
        var decoder = AnthropicMessages.makeStreamDecoder()
        var events: [ChatEvent] = []
        for line in stream.split(separator: "|") {
            try decoder.decode(ByteBuffer(string: "data: \(line)\n\n"), into: &events)
        }
        let text = String(buffer: Self.encode(events, .openAIChat))
        #expect(text.contains(#""thinking_blocks":[{"index":0,"type":"redacted_thinking","data":"R"}]"#), "\(text)")
    }

    @Test("arguments with line breaks do not break the framing", arguments: DialectID.allCases)
    func lines(_ dialect: DialectID) throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "id", model: "m")),
            .toolCallStarted(index: 0, id: "c", name: "look", isCustom: false, choice: 0),
            .toolCallArguments(index: 0, fragment: "{\n  \"a\":", choice: 0),
            .toolCallArguments(index: 0, fragment: "\r\n1\n}", choice: 0),
            .finished(.toolCalls, stopSequence: nil, choice: 0),
        ]
        var decoder = dialect.dialect.makeStreamDecoder()
        var read: [ChatEvent] = []
        try decoder.decode(Self.encode(events, dialect), into: &read)
        try decoder.finish(into: &read)
        var arguments = ""
        for case .toolCallArguments(_, let fragment, _) in read { arguments += fragment }
        let hasCalls = dialect.dialect.replyFields.contains(.replyReasoning) && dialect != .ollamaGenerate
        if hasCalls { #expect(arguments.filter { !$0.isWhitespace } == #"{"a":1}"#) }
    }
}
