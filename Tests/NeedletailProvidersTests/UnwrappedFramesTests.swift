import Foundation
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("A model's own stream inside Amazon's frames")
struct UnwrappedFramesTests {
    private static func frame(_ json: String) -> ByteBuffer {
        let payload = #"{"bytes":"\#(Data(json.utf8).base64EncodedString())","p":"ab"}"#
        return EventStreamTests.frame(
            [(":event-type", EventStreamTests.string("chunk")), (":message-type", EventStreamTests.string("event"))],
            payload: payload)
    }

    /// What comes out, and the failure it ends in.
    private static func unwrap(_ pieces: [ByteBuffer]) async -> (text: String, error: NeedletailError?) {
        let body = UnwrappedFrames(TransportBody(ScriptedBody(pieces)))
        var text = ""
        do {
            while let chunk = try await body.next() { text += String(buffer: chunk) }
            return (text, nil)
        } catch {
            return (text, error)
        }
    }

    private static let stream: ByteBuffer = {
        var out = Self.frame(#"{"type":"message_start","message":{}}"#)
        out.writeImmutableBuffer(Self.frame(#"{"type":"message_stop"}"#))
        return out
    }()

    private static let events =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

    @Test("each frame becomes an event, wherever the bytes were cut")
    func unwrapped() async {
        for pieces in [[Self.stream], Self.stream.split(every: 1), Self.stream.split(every: 50)] {
            let (text, error) = await Self.unwrap(pieces)
            #expect(text == Self.events)
            #expect(error == nil)
        }
    }

    @Test("an exception is thrown as what it means, after what came before it")
    func exception() async {
        var bytes = Self.stream
        bytes.writeImmutableBuffer(
            EventStreamTests.frame(
                [
                    (":exception-type", EventStreamTests.string("throttlingException")),
                    (":message-type", EventStreamTests.string("exception")),
                ], payload: #"{"message":"Slow down."}"#))
        let (text, error) = await Self.unwrap([bytes])
        #expect(text == Self.events)
        #expect(error?.code == .rateLimited)
        #expect(error?.message == "Slow down.")
    }

    @Test("what is no frame, or holds no event, is refused")
    func malformed() async {
        var broken = Self.stream
        broken.setInteger(UInt8(0), at: 30)
        let empty = EventStreamTests.frame([(":event-type", EventStreamTests.string("chunk"))], payload: #"{"a":1}"#)
        let inner = Self.frame(#"{"type":"mess"#)
        for bytes in [broken, empty, inner] {
            #expect(await Self.unwrap([bytes]).error?.code == .malformedReply)
        }
    }

    @Test("Claude's recorded streams are Anthropic's", .enabled(if: OpenAIChatRecordings.areThere))
    func recorded() async throws {
        var count = 0
        for recorded in BedrockRecordings.cases(["bedrock/invoke-with-response-stream"])
        where recorded.name.contains("claude") {
            guard let stream = recorded.stream else { continue }
            let (text, error) = await Self.unwrap(stream.split(every: 100))
            #expect(error == nil, "\(recorded.name)")
            var decoder = AnthropicMessagesStreamDecoder()
            var events: [ChatEvent] = []
            try decoder.decode(ByteBuffer(string: text), into: &events)
            try decoder.finish(into: &events)
            #expect(decoder.isComplete, "\(recorded.name)")
            #expect(events.contains { if case .finished = $0 { true } else { false } })
            count += 1
        }
        #expect(count > 5)
    }
}
