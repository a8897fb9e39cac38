import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("A reason to stop that the client's dialect has no word for")
struct LostStopReasonTests {
    private static let clients: [DialectID] = [
        .anthropicMessages, .bedrockConverse, .gemini, .cohereChat, .openAIChat, .openAICompletions, .openAIResponses,
        .ollamaChat,
    ]

    @Test("is told as lost, whole", arguments: clients)
    func whole(_ client: DialectID) throws {
        let choice = ChatChoice(content: [.text(TextPart("x"))], stopReason: .other("insufficient_system_resource"))
        var reply = ChatResponse(id: "r", model: "m", choices: [choice])
        let source: DialectID = client == .openAIChat ? .gemini : .openAIChat
        reply.source = source
        var out = ByteBuffer()
        let losses = try client.dialect.encodeReply(reply, created: 1, into: &out)
        #expect(losses.map(\.field).contains(ModelField.stopReason.name(in: source)))
    }

    @Test("is told as lost, streamed", arguments: clients)
    func streamed(_ client: DialectID) {
        let source: DialectID = client == .openAIChat ? .gemini : .openAIChat
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = source
        var encoder = client.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")), .text("x", choice: 0),
            .finished(.other("insufficient_system_resource"), stopSequence: nil, choice: 0),
        ]
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        #expect(encoder.losses.map(\.field).contains(ModelField.stopReason.name(in: source)))
    }

    @Test("is repeated by its own dialect without loss")
    func own() {
        let own = AnthropicStopReason.word(
            .other("new"), hasStopSequence: false, hasCalls: false, hasRefusal: false, isOwn: true)
        #expect(own.word == "new" && !own.isLossy)
        let other = AnthropicStopReason.word(
            .other("new"), hasStopSequence: false, hasCalls: true, hasRefusal: false, isOwn: false)
        #expect(other.word == "tool_use" && other.isLossy)
    }
}
