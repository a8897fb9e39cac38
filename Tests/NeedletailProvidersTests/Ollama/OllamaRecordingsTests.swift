import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@Suite("Ollama: recorded cases", .enabled(if: OpenAIChatRecordings.areThere))
struct OllamaRecordingsTests {
    static let folders = ["ollama/api-chat", "ollama/api-generate"]

    private static func dialect(_ recording: NativeRecordings.Case) -> DialectID {
        recording.name.contains("api-chat") ? .ollamaChat : .ollamaGenerate
    }

    @Test(
        "A request is read, and written so that it reads the same",
        arguments: NativeRecordings.having("request.json", in: folders))
    func request(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("request.json"))
        let plain = NativeRecordings.json(body.readableBytesView)
        let dialect = Self.dialect(recording)
        let request = try dialect.dialect.decodeRequest(body)
        if dialect == .ollamaChat { #expect(request.messages.count == (plain["messages"] as? [Any])?.count ?? 0) }
        #expect(request.tools.count == (plain["tools"] as? [Any])?.count ?? 0)
        #expect(request.isStreaming == plain["stream"] as? Bool ?? true)
        var out = ByteBuffer()
        let losses = try dialect.dialect.encodeRequest(request, into: &out)
        #expect(losses == [])
        #expect(try dialect.dialect.decodeRequest(out) == request)
    }

    @Test(
        "A whole reply is read, and written so that it reads the same",
        arguments: NativeRecordings.having("response.json", in: folders))
    func reply(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let dialect = Self.dialect(recording).dialect
        let reply = try dialect.decodeReply(body)
        var naive = PlainReply()
        naive.takeOllama(NativeRecordings.json(body.readableBytesView))
        #expect(PlainReply(reply) == naive)
        #expect(try dialect.inspectReply(body) == reply.usage)
        #expect(reply.created != nil)
        if !naive.names.isEmpty, NativeRecordings.json(body.readableBytesView)["done"] as? Bool == true {
            #expect(reply.choices.first?.stopReason == .toolCalls)
            #expect(reply.toolCalls.allSatisfy { $0.id.hasPrefix("call_20") })
        }
        var out = ByteBuffer()
        #expect(try dialect.encodeReply(reply, created: 1, into: &out) == [])
        var again = try dialect.decodeReply(out)
        again.choices[0].stopReason = reply.choices[0].stopReason
        var expected = reply
        // Made-up ids are given out once they are there.
        for choice in expected.choices.indices { expected.choices[choice].content = again.choices[choice].content }
        #expect(again == expected)
        #expect(PlainReply(again) == naive)
    }

    @Test("A stream is read, however it is cut", arguments: NativeRecordings.having("stream.ndjson", in: folders))
    func stream(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("stream.ndjson"))
        let dialect = Self.dialect(recording)
        var naive = PlainReply()
        var isBroken = false
        for line in body.readableBytesView.split(separator: 10) {
            let object = NativeRecordings.json(line)
            if object["error"] != nil { isBroken = true }
            naive.takeOllama(object)
        }
        guard !isBroken else {
            let error = try #require(throws: NeedletailError.self) { try NativeRecordings.decode([body], dialect) }
            #expect(error.code == .upstreamFailed && error.mayHaveBeenProcessed)
            #expect(throws: NeedletailError.self) { try NativeRecordings.tap(body, dialect) }
            return
        }
        var events: [ChatEvent] = []
        for (number, cut) in recording.cuts(body).enumerated() {
            let read = try NativeRecordings.decode(cut, dialect)
            if number == 0 { events = read } else { #expect(read == events) }
        }
        let reply = OpenAIChatCollector.reply(events)
        #expect(PlainReply(reply) == naive)
        let tap = try NativeRecordings.tap(body, dialect)
        #expect(tap.usage == reply.usage && tap.isTerminated)
        let (out, losses) = NativeRecordings.encode(events, dialect, source: dialect)
        #expect(losses == [])
        #expect(PlainReply(OpenAIChatCollector.reply(try NativeRecordings.decode([out], dialect))) == naive)
    }

    @Test("An error is classified", arguments: NativeRecordings.having("response.json", in: folders, good: false))
    func failure(_ recording: NativeRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let error = OllamaChat.decodeFailure(status: recording.status, headers: [:], body: body)
        #expect(error.code == .upstreamFailed)
        #expect(error.message == NativeRecordings.json(body.readableBytesView)["error"] as? String)
    }
}
