import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Gemini: over recorded traffic", .enabled(if: OpenAIChatRecordings.areThere))
struct GeminiRecordingsTests {
    /// Third parties' test data that is meant to fail.
    static let broken = ["failure-invalid-json", "failure-malformed-content", "failure-invalid-response"]

    static func isGood(_ recording: GeminiRecordings.Case) -> Bool {
        recording.status < 300 && !self.broken.contains { recording.name.contains($0) }
            && recording.name.contains("ontent/")
    }

    @Test(
        "A request is read, written and read again",
        arguments: GeminiRecordings.having("request.json") { $0.status < 400 })
    func request(_ recording: GeminiRecordings.Case) throws {
        let body = try #require(recording.bytes("request.json"))
        let request = try Gemini.decodeCountRequest(body)
        #expect(!request.messages.isEmpty)
        var out = ByteBuffer()
        _ = try Gemini.encodeRequest(request, into: &out)
        var again = try Gemini.decodeRequest(out)
        again.extensions = request.extensions
        var expected = request
        expected.model = again.model
        #expect(Self.joined(again) == Self.joined(expected))
        for other in [DialectID.openAIChat, .anthropicMessages] {
            out.clear()
            do { _ = try other.dialect.encodeRequest(request, into: &out) } catch {
                #expect(error.code == .unsupported || error.code == .invalidRequest)
            }
        }
    }

    /// Roles joined as they are sent, and nothing where nothing is said.
    private static func joined(_ request: ChatRequest) -> [ContentPart] {
        request.messages.flatMap { message in
            message.content.filter { if case .text(let part) = $0 { !part.text.isEmpty } else { true } }
        }
    }

    @Test("A whole reply is read", arguments: GeminiRecordings.having("response.json", where: isGood))
    func reply(_ recording: GeminiRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let json = try JSONSerialization.jsonObject(with: Data(body.readableBytesView))
        var naive = GeminiNaiveReply()
        if let list = json as? [[String: Any]] {
            for object in list { naive.take(object) }
            try Self.check(Self.collected(body, [.max]), naive)
            return
        }
        naive.take(try #require(json as? [String: Any]))
        let reply = try Gemini.decodeReply(body)
        Self.check(reply, naive)
        #expect(try Gemini.inspectReply(body) == reply.usage)
        var out = ByteBuffer()
        _ = try Gemini.encodeReply(reply, created: 1, into: &out)
        let again = try Gemini.decodeReply(out)
        #expect(again.choices.map(\.content) == reply.choices.map(\.content))
        #expect(again.usage?.totalTokens == reply.usage?.totalTokens)
    }

    @Test(
        "A stream is read in the pieces it came in, byte by byte and whole",
        arguments: GeminiRecordings.having("stream.sse", where: isGood))
    func stream(_ recording: GeminiRecordings.Case) throws {
        let body = try #require(recording.bytes("stream.sse"))
        var naive = GeminiNaiveReply()
        for line in String(buffer: body).split(whereSeparator: \.isNewline) where line.hasPrefix("data:") {
            let object = try JSONSerialization.jsonObject(with: Data(line.dropFirst(5).utf8))
            naive.take(try #require(object as? [String: Any]))
        }
        for sizes in [[Int.max], [1], recording.sizes.isEmpty ? [7] : recording.sizes] {
            Self.check(try Self.collected(body, sizes), naive)
        }
        var tap = GeminiStreamTap()
        var framing = SSEDecoder()
        framing.feed(body)
        while let event = try framing.next() { _ = try tap.observe(name: event.name, data: event.data) }
        while let event = try framing.finish() { _ = try tap.observe(name: event.name, data: event.data) }
        #expect(tap.isComplete)
        if let input = naive.input { #expect(tap.usage?.inputTokens == input) }
    }

    private static func collected(_ body: ByteBuffer, _ sizes: [Int]) throws -> ChatResponse {
        var decoder = GeminiStreamDecoder()
        var events: [ChatEvent] = []
        var rest = body
        var turn = 0
        while rest.readableBytes > 0 {
            let size = sizes[min(turn, sizes.count - 1)]
            turn += 1
            guard let piece = rest.readSlice(length: max(1, min(size, rest.readableBytes))) else { break }
            try decoder.decode(piece, into: &events)
        }
        try decoder.finish(into: &events)
        var reply = OpenAIChatCollector.reply(events)
        for case .reasoningSignature(let signature, 0) in events {
            reply.choices[0].content.append(.reasoning(ReasoningPart("", signature: signature)))
        }
        return reply
    }

    private static func check(_ reply: ChatResponse, _ naive: GeminiNaiveReply) {
        #expect(reply.text == naive.text)
        #expect(reply.toolCalls.map(\.name) == naive.calls)
        #expect(reply.toolCalls.allSatisfy { ToolArguments.object($0.arguments) != nil })
        #expect(Set(reply.toolCalls.map(\.id)).count == naive.calls.count)
        var thoughts = ""
        var signatures: [String] = []
        for case .reasoning(let part) in reply.choices[0].content {
            thoughts += part.text
            if let signature = part.signature { signatures.append(signature) }
        }
        #expect(thoughts == naive.thoughts && signatures == naive.signatures)
        if let input = naive.input {
            #expect(reply.usage?.inputTokens == input && reply.usage?.outputTokens == naive.output)
        }
        if naive.isBlocked { #expect(reply.choices[0].stopReason == .contentFilter) }
        guard let finish = naive.finish else { return }
        #expect(reply.choices[0].stopReason == GeminiFinishReason.read(finish, hasCalls: !naive.calls.isEmpty))
    }

    @Test("An error keeps its class", arguments: GeminiRecordings.having("response.json") { $0.status >= 400 })
    func failure(_ recording: GeminiRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        let error = Gemini.decodeFailure(status: recording.status, headers: [:], body: body)
        let status = error.disposition.status
        let isOurKey = error.code == .credentialRejected || error.code == .quotaExhausted
        #expect(status == recording.status || isOurKey || recording.status >= 500, "\(error.code)")
        #expect(error.upstream?.type != nil || recording.status == 404)
        if recording.name.contains("api-key") { #expect(error.code == .credentialRejected) }
    }

    @Test(
        "What was made to fail fails",
        arguments: GeminiRecordings.cases.filter { !isGood($0) && $0.status < 300 && $0.name.contains("ontent/") })
    func broken(_ recording: GeminiRecordings.Case) throws {
        guard !recording.name.hasPrefix("inbound") else { return }
        let error = try #require(throws: NeedletailError.self) {
            if let stream = recording.bytes("stream.sse") { return try Self.collected(stream, [.max]) }
            return try Gemini.decodeReply(try #require(recording.bytes("response.json")))
        }
        #expect(error.code == .malformedReply || error.code == .unreachable)
    }

    @Test(
        "A count is read",
        arguments: GeminiRecordings.having("response.json") { $0.name.contains("countTokens") && $0.status < 300 })
    func count(_ recording: GeminiRecordings.Case) throws {
        let body = try #require(recording.bytes("response.json"))
        #expect(try Gemini.decodeTokenCount(body) == GeminiFixture.object(body)["totalTokens"] as? Int)
    }
}
