import Foundation
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@Suite("Completions: recorded cases", .enabled(if: OpenAIChatRecordings.areThere))
struct CompletionsRecordingsTests {
    /// Writer's folder holds a stream of `{"value"}`, which is another format under the same path.
    static let folders = ["openai", "vllm", "together", "ollama"].map { "\($0)/completions" }

    @Test(
        "A request is read, and written so that it reads the same",
        arguments: NativeRecordings.having("request.json", in: folders))
    func request(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("request.json"))
        let plain = NativeRecordings.json(body.readableBytesView)
        let request = try OpenAICompletions.decodeRequest(body)
        if let prompt = plain["prompt"] as? String { #expect(request.messages == [.user(prompt)]) }
        #expect(request.maxOutputTokens == plain["max_tokens"] as? Int)
        var out = ByteBuffer()
        #expect(try OpenAICompletions.encodeRequest(request, into: &out) == [])
        var again = try OpenAICompletions.decodeRequest(out)
        again.includesStreamUsage = request.includesStreamUsage
        #expect(again == request)
    }

    @Test(
        "A whole reply is read, and written so that it reads the same",
        arguments: NativeRecordings.having("response.json", in: folders))
    func reply(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let plain = NativeRecordings.json(body.readableBytesView)
        let reply = try OpenAICompletions.decodeReply(body)
        var naive = PlainReply()
        naive.takeCompletion(plain)
        #expect(PlainReply(reply) == naive)
        #expect(reply.choices.count == (plain["choices"] as? [Any])?.count)
        #expect(try OpenAICompletions.inspectReply(body) == reply.usage)
        var out = ByteBuffer()
        _ = try OpenAICompletions.encodeReply(reply, created: 1, into: &out)
        let again = try OpenAICompletions.decodeReply(out)
        #expect(again.choices.map(\.stopReason) == reply.choices.map(\.stopReason))
        #expect(again.choices.map(\.content) == reply.choices.map(\.content))
        for (choice, before) in zip(again.choices, reply.choices) {
            #expect(
                PlainReply.canonical(choice.logprobs?.description ?? "")
                    == PlainReply.canonical(before.logprobs?.description ?? ""))
        }
        #expect(PlainReply(again) == naive)
    }

    @Test("A stream is read, however it is cut", arguments: NativeRecordings.having("stream.sse", in: folders))
    func stream(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("stream.sse"))
        var naive = PlainReply()
        var framing = SSEDecoder()
        framing.feed(body)
        while let event = try framing.next() {
            naive.takeCompletion(NativeRecordings.json(event.data.readableBytesView))
        }
        var events: [ChatEvent] = []
        for (number, cut) in recording.cuts(body).enumerated() {
            let read = try NativeRecordings.decode(cut, .openAICompletions)
            if number == 0 { events = read } else { #expect(read == events) }
        }
        let reply = OpenAIChatCollector.reply(events)
        #expect(PlainReply(reply) == naive)
        #expect(!reply.choices.contains { $0.stopReason == nil })
        let tap = try NativeRecordings.tap(body, .openAICompletions)
        #expect(tap.usage == reply.usage && tap.isComplete)
        let (out, losses) = NativeRecordings.encode(events, .openAICompletions, source: .openAICompletions)
        #expect(losses == [])
        #expect(
            OpenAIChatCollector.reply(try NativeRecordings.decode([out], .openAICompletions)).choices == reply.choices)
    }
}
