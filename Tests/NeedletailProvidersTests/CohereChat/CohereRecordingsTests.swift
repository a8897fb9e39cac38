import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@Suite("Cohere chat: recorded cases", .enabled(if: OpenAIChatRecordings.areThere))
struct CohereRecordingsTests {
    static let folders = ["cohere/v2-chat"]

    @Test(
        "A request is read, and written so that it reads the same",
        arguments: NativeRecordings.having("request.json", in: folders))
    func request(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("request.json"))
        let plain = NativeRecordings.json(body.readableBytesView)
        let request = try CohereChat.decodeRequest(body)
        #expect(request.messages.count == (plain["messages"] as? [Any])?.count)
        #expect(request.tools.count == (plain["tools"] as? [Any])?.count ?? 0)
        let documents = request.messages.flatMap(\.content).count { if case .document = $0 { true } else { false } }
        #expect(documents == (plain["documents"] as? [Any])?.count ?? 0)
        var out = ByteBuffer()
        _ = try CohereChat.encodeRequest(request, into: &out)
        var again = try CohereChat.decodeRequest(out)
        var expected = request
        // The ids of documents have no place in the model, and a tool's document becomes its text.
        for index in expected.messages.indices where expected.messages[index].role == .tool {
            expected.messages[index] = again.messages[index]
        }
        expected.extensions.removeAll { $0.path.contains(".") }
        again.extensions.removeAll { $0.path.contains(".") }
        #expect(again == expected)
    }

    @Test(
        "A whole reply is read, and written so that it reads the same",
        arguments: NativeRecordings.having("response.json", in: folders))
    func reply(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let plain = NativeRecordings.json(body.readableBytesView)
        let reply = try CohereChat.decodeReply(body)
        var naive = PlainReply()
        naive.takeCohere(plain)
        #expect(PlainReply(reply) == naive)
        #expect(try CohereChat.inspectReply(body) == reply.usage)
        #expect(reply.usage?.cachedInputTokens == (plain["usage"] as? [String: Any])?["cached_tokens"] as? Int)
        let word = plain["finish_reason"] as? String
        #expect(
            reply.choices[0].stopReason
                == (word == "STOP_SEQUENCE" ? .stopSequence : word == "TOOL_CALL" ? .toolCalls : .endTurn))
        var out = ByteBuffer()
        #expect(try CohereChat.encodeReply(reply, created: 1, into: &out) == [])
        let again = try CohereChat.decodeReply(out)
        #expect(again.usage == reply.usage && again.choices[0].stopReason == reply.choices[0].stopReason)
        #expect(PlainReply(again) == naive)
        let citations = { (reply: [String: Any]) in
            ((reply["message"] as? [String: Any])?["citations"] as? [Any])?.count ?? 0
        }
        #expect(citations(NativeRecordings.json(out.readableBytesView)) == citations(plain))
    }

    @Test("A stream is read, however it is cut", arguments: NativeRecordings.having("stream.sse", in: folders))
    func stream(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("stream.sse"))
        var naive = PlainReply()
        var framing = SSEDecoder()
        framing.feed(body)
        while let event = try framing.next() {
            naive.takeCohereEvent(NativeRecordings.json(event.data.readableBytesView))
        }
        guard !String(buffer: body).contains(#""finish_reason":"ERROR""#) else {
            let error = try #require(throws: NeedletailError.self) { try NativeRecordings.decode([body], .cohereChat) }
            #expect(error.code == .upstreamFailed && error.message.hasPrefix("your request resulted in"))
            #expect(error.upstream?.type == "INVALID_TOOL_GENERATION")
            #expect(throws: NeedletailError.self) { try NativeRecordings.tap(body, .cohereChat) }
            return
        }
        var events: [ChatEvent] = []
        for (number, cut) in recording.cuts(body).enumerated() {
            let read = try NativeRecordings.decode(cut, .cohereChat)
            if number == 0 { events = read } else { #expect(read == events) }
        }
        let reply = OpenAIChatCollector.reply(events)
        #expect(PlainReply(reply) == naive)
        if !naive.names.isEmpty { #expect(reply.choices[0].stopReason == .toolCalls) }
        let tap = try NativeRecordings.tap(body, .cohereChat)
        #expect(tap.usage == reply.usage && tap.isComplete)
        let (out, losses) = NativeRecordings.encode(events, .cohereChat, source: .cohereChat)
        #expect(losses == [])
        let again = try NativeRecordings.decode([out], .cohereChat)
        #expect(PlainReply(OpenAIChatCollector.reply(again)) == naive)
        let isCitation = { (event: ChatEvent) in if case .citation = event { true } else { false } }
        #expect(again.filter(isCitation) == events.filter(isCitation))
    }

    @Test(
        "An error is classified",
        arguments: NativeRecordings.having("response.json", in: ["cohere/v1-chat", "cohere/v2-embed"], good: false))
    func failure(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let plain = NativeRecordings.json(body.readableBytesView)
        let error = CohereChat.decodeFailure(status: recording.status, headers: [:], body: body)
        #expect(error.code == .notFound)
        #expect(error.message == plain["message"] as? String)
        #expect(error.upstream?.requestID == plain["id"] as? String)
    }
}
