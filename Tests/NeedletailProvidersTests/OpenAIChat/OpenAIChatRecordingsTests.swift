import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@Suite("OpenAI chat: recorded cases", .enabled(if: OpenAIChatRecordings.areThere))
struct OpenAIChatRecordingsTests {
    /// Third parties' test data that is meant to fail.
    static let broken = ["stream-broken-sse", "stream-malformed-delta", "error-in-body", "in-stream-server-error"]

    static func isGood(_ recording: OpenAIChatRecordings.Case) -> Bool {
        recording.status < 300 && !self.broken.contains { recording.name.contains($0) }
    }

    static func json(_ bytes: ByteBuffer) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(bytes.readableBytesView))) as? [String: Any]
    }

    @Test("A request is read", arguments: OpenAIChatRecordings.having("request.json") { $0.status < 400 })
    func request(_ recording: OpenAIChatRecordings.Case) throws {
        let body = try #require(recording.bytes("request.json"))
        guard let plain = Self.json(body), plain["messages"] != nil, plain["model"] != nil else { return }
        let request = try OpenAIChat.decodeRequest(body)
        #expect(request.messages.count == (plain["messages"] as? [Any])?.count)
        #expect(request.tools.count == (plain["tools"] as? [Any] ?? plain["functions"] as? [Any] ?? []).count)
        // Written and read again it is the same but for what cannot be written.
        var out = ByteBuffer()
        _ = try OpenAIChat.encodeRequest(request, into: &out)
        var again = try OpenAIChat.decodeRequest(out)
        again.extensions = request.extensions
        again.includesStreamUsage = request.includesStreamUsage
        var expected = request
        if expected.tools.isEmpty { expected.parallelToolCalls = again.parallelToolCalls }
        #expect(again == expected)
    }

    @Test("A whole reply is read", arguments: OpenAIChatRecordings.having("response.json", where: isGood))
    func reply(_ recording: OpenAIChatRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        guard let plain = Self.json(body), plain["choices"] != nil else { return }
        var naive = OpenAIChatNaiveReply()
        naive.take(plain, key: "message")
        let reply = try OpenAIChat.decodeReply(body)
        #expect(Self.summary(reply, naive) == naive)
        // What passes through is asked for its counters, not for its times.
        var counted = reply.usage
        counted?.timing = nil
        #expect(try OpenAIChat.inspectReply(body) == counted)

        var out = ByteBuffer()
        _ = try OpenAIChat.encodeReply(reply, created: 1, into: &out)
        let again = try OpenAIChat.decodeReply(out)
        var rewritten = OpenAIChatNaiveReply()
        rewritten.take(try #require(Self.json(out)), key: "message")
        #expect(rewritten.text == naive.text)
        #expect(rewritten.names == naive.names)
        #expect(again.choices.map(\.stopReason) == reply.choices.map { $0.stopReason ?? .endTurn })
        #expect(again.usage?.inputTokens == reply.usage?.inputTokens)
        #expect(again.usage?.outputTokens == reply.usage?.outputTokens)
    }

    @Test("A stream is read", arguments: OpenAIChatRecordings.having("stream.sse", where: isGood))
    func stream(_ recording: OpenAIChatRecordings.Case) throws {
        let body = try #require(recording.bytes("stream.sse"))
        var naive = OpenAIChatNaiveReply()
        var framing = SSEDecoder()
        framing.feed(body)
        var tap = OpenAIChat.makeStreamTap()
        while let event = try framing.next() {
            _ = try tap.observe(name: event.name, data: event.data)
            if let plain = Self.json(event.data) { naive.take(plain, key: "delta") }
        }
        if let event = try framing.finish() {
            _ = try tap.observe(name: event.name, data: event.data)
            if let plain = Self.json(event.data) { naive.take(plain, key: "delta") }
        }
        var decoder = OpenAIChat.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(body, into: &events)
        try decoder.finish(into: &events)
        let reply = OpenAIChatCollector.reply(events)
        #expect(Self.summary(reply, naive) == naive)
        var counted = reply.usage
        counted?.timing = nil
        #expect(tap.usage == counted)
        #expect(tap.isComplete)

        // What the encoder writes, the decoder reads as the same.
        var encoder = OpenAIChat.makeStreamEncoder(
            StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "chatcmpl-1"))
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        var second = OpenAIChat.makeStreamDecoder()
        var rewritten: [ChatEvent] = []
        try second.decode(out, into: &rewritten)
        try second.finish(into: &rewritten)
        let again = OpenAIChatCollector.reply(rewritten)
        #expect(Self.summary(again, naive).text == naive.text)
        #expect(Self.summary(again, naive).names == naive.names)
        #expect(again.usage?.inputTokens == reply.usage?.inputTokens)
        #expect(again.usage?.outputTokens == reply.usage?.outputTokens)
    }

    @Test("An error is classified", arguments: OpenAIChatRecordings.having("response.json") { $0.status >= 400 })
    func failure(_ recording: OpenAIChatRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        var headers = HTTPFields()
        for (name, value) in recording.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        let error = OpenAIChat.decodeFailure(status: recording.status, headers: headers, body: body)
        #expect(!error.message.isEmpty && !error.message.contains("***"))
        #expect(error.upstream?.status == recording.status)
        switch recording.status {
        case 401: #expect(error.code == .credentialRejected)
        case 404: #expect(error.code == .notFound)
        case 429: #expect(error.code == .rateLimited || error.code == .quotaExhausted)
        case 422: #expect(error.code == .unprocessable)
        case 403: #expect(error.code == .modelForbidden || error.code == .invalidRequest)
        case 400: #expect([.invalidRequest, .notFound, .credentialRejected].contains(error.code))
        default: break
        }
    }

    /// The same facts from the model; what the naive reader cannot know is taken from it.
    static func summary(_ reply: ChatResponse, _ naive: OpenAIChatNaiveReply) -> OpenAIChatNaiveReply {
        var summary = OpenAIChatNaiveReply()
        for choice in reply.choices {
            for part in choice.content {
                switch part {
                case .text(let part): summary.text[choice.index, default: ""] += part.text
                case .toolCall(let call):
                    summary.names[choice.index, default: []].append(call.name)
                    summary.arguments[choice.index, default: ""] += call.arguments
                default: break
                }
            }
            if summary.arguments[choice.index] == "" { summary.arguments[choice.index] = nil }
            let spelled = naive.finish[choice.index]
            if Self.agrees(choice.stopReason, spelled) { summary.finish[choice.index] = spelled }
        }
        summary.promptTokens = reply.usage?.inputTokens
        summary.completionTokens = reply.usage?.outputTokens
        if let reasoning = reply.usage?.reasoningTokens, let naive = naive.completionTokens,
            summary.completionTokens == naive + reasoning
        {
            summary.completionTokens = naive
        }
        return summary
    }

    private static func agrees(_ reason: StopReason?, _ spelled: String?) -> Bool {
        switch spelled {
        case "stop", "eos":
            reason == .endTurn || reason == .toolCalls || reason == .refusal || reason == .stopSequence
        case "length": reason == .maxTokens
        case "tool_calls", "tool_call", "function_call": reason == .toolCalls
        case "content_filter": reason == .contentFilter
        default: reason != nil
        }
    }
}
