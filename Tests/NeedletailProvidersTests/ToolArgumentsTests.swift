import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Arguments of calls as JSON objects")
struct ToolArgumentsTests {
    @Test(
        "an object is itself, nothing is an empty one, an object inside a string is taken out once",
        arguments: [
            (#"{"x": 1}"#, #"{"x": 1}"#), ("", "{}"), (" \n", "{}"), (#""{\"x\": 1}""#, #"{"x": 1}"#),
            (#"" {\"a\":\"\\\"\"} ""#, #"{"a":"\""}"#), (#""text""#, nil), (#""[1]""#, nil), ("[1]", nil), ("1", nil),
            (#""\"{}\"""#, nil), (#""""#, nil), ("{", nil),
        ])
    func object(_ arguments: String, _ object: String?) {
        let read = ToolArguments.object(arguments)?.description
        #expect(read?.filter { $0 != " " } == object?.filter { $0 != " " })
    }

    private static let twice = #""{\"x\": 1}""#

    @Test(
        "arguments encoded twice reach a client as an object",
        arguments: [DialectID.anthropicMessages, .gemini, .bedrockConverse, .ollamaChat])
    func whole(_ client: DialectID) throws {
        let call = ToolCall(id: "c", name: "f", arguments: Self.twice)
        var reply = ChatResponse(
            id: "r", model: "m", choices: [ChatChoice(content: [.toolCall(call)], stopReason: .toolCalls)])
        reply.source = .openAIChat
        var out = ByteBuffer()
        let losses = try client.dialect.encodeReply(reply, created: 1, into: &out)
        #expect(!losses.map(\.field).contains(ModelField.replyToolArguments.name(in: .openAIChat)))
        #expect(String(buffer: out).contains(#":{"x": 1}"#))
    }

    @Test(
        "so they do in a stream that sends calls whole", arguments: [DialectID.gemini, .ollamaChat])
    func streamed(_ client: DialectID) {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = .openAIChat
        var encoder = client.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")),
            .toolCallStarted(index: 0, id: "c", name: "f", isCustom: false, choice: 0),
            .toolCallArguments(index: 0, fragment: #""{\"x"#, choice: 0),
            .toolCallArguments(index: 0, fragment: #"\": 1}""#, choice: 0),
            .finished(.toolCalls, stopSequence: nil, choice: 0),
        ]
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        #expect(!encoder.losses.map(\.field).contains(ModelField.replyToolArguments.name(in: .openAIChat)))
        #expect(String(buffer: out).contains(#":{"x": 1}"#))
    }
}
