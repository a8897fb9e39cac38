import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Anthropic messages over recorded traffic", .enabled(if: AnthropicFixtures.isThere))
struct AnthropicFixtureTests {
    static let whole = AnthropicFixtures.cases(with: "response.json")
    static let streams = AnthropicFixtures.cases(with: "stream.sse")
    static let requests = AnthropicFixtures.cases(
        with: "request.json",
        in: [
            "anthropic/messages", "anthropic/count_tokens", "azure/anthropic-messages",
            "inbound-requests/anthropic-messages", "inbound-requests/anthropic-count_tokens",
        ])

    /// Requests that were recorded because they are wrong.
    static func isWrong(_ name: String) -> Bool {
        let request = AnthropicFixtures.json(name, "request.json")
        let hasNoList = !(request["messages"] is [Any])
        let isRefused = name.contains("error-400")
        return isRefused || hasNoList || request["model"] == nil
            || (request["messages"] as? [[String: Any]])?.contains(where: { $0["content"] == nil }) == true
    }

    @Test("There are cases at all")
    func areThere() {
        #expect(Self.whole.count > 50)
        #expect(Self.streams.count > 55)
        #expect(Self.requests.count > 50)
    }

    @Test("A whole reply says what its JSON says", arguments: Self.whole)
    func wholeReply(_ name: String) throws {
        let json = AnthropicFixtures.json(name, "response.json")
        let body = AnthropicFixtures.buffer(name, "response.json")
        guard json["type"] as? String == "message" else {
            #expect(throws: NeedletailError.self) { try AnthropicMessages.decodeReply(body) }
            return
        }
        let reply = try AnthropicMessages.decodeReply(body)
        let naive = NaiveReply(reply: json)
        #expect(NaiveReply(reply) == naive)
        #expect(try AnthropicMessages.inspectReply(body) == reply.usage)

        var encoded = ByteBuffer()
        _ = try AnthropicMessages.encodeReply(reply, created: 0, into: &encoded)
        #expect(NaiveReply(reply: AnthropicFixtures.object(Data(encoded.readableBytesView))) == naive)
        var again = try AnthropicMessages.decodeReply(encoded)
        again.extensions = reply.extensions
        #expect(again.choices == reply.choices)
    }

    @Test("A stream says what its events say, and says it again when written anew", arguments: Self.streams)
    func stream(_ name: String) throws {
        for text in AnthropicFixtures.streams(name) { try Self.check(text) }
    }

    private static func check(_ text: String) throws {
        let (events, error) = Self.decode([ByteBuffer(string: text)])
        if text.contains("event: error") {
            #expect(error?.code == .overloaded)
            return
        }
        #expect(error == nil)
        let naive = NaiveReply(stream: text)
        #expect(NaiveReply(events) == naive)
        #expect(events.count { if case .started = $0 { true } else { false } } == 1)
        #expect(events.count { if case .finished = $0 { true } else { false } } == 1)

        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 0, replyID: "msg_1")
        options.source = .anthropicMessages
        var encoder = AnthropicMessages.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        #expect(encoder.losses == [])
        let written = String(buffer: out)
        #expect(NaiveReply(stream: written) == naive)
        let (again, failure) = Self.decode([out])
        #expect(failure == nil)
        #expect(NaiveReply(again) == naive)
        Self.checkBlocks(written)
    }

    @Test("The tap knows the usage that the decoder knows", arguments: Self.streams)
    func tap(_ name: String) throws {
        for text in AnthropicFixtures.streams(name) { try Self.checkTap(ByteBuffer(string: text)) }
    }

    private static func checkTap(_ bytes: ByteBuffer) throws {
        let (events, error) = Self.decode([bytes])
        var usage: Usage?
        for case .usage(let known) in events { usage = known }
        var tap = AnthropicMessages.makeStreamTap()
        var sse = SSEDecoder()
        sse.feed(bytes)
        var thrown: NeedletailError?
        do {
            while let event = try sse.finish() {
                let verdict = try tap.observe(name: event.name, data: event.data)
                #expect(verdict != .usageOnly)
            }
        } catch {
            thrown = error
        }
        #expect(thrown?.code == error?.code)
        #expect(tap.usage == usage)
        #expect(tap.isTerminated == (error == nil))
        #expect(tap.isComplete == (error == nil))
    }

    @Test("A stream means the same however it is cut", arguments: Self.streams.prefix(12))
    func cuts(_ name: String) throws {
        let bytes = AnthropicFixtures.buffer(name, "stream.sse")
        let whole = Self.decode([bytes]).events
        for size in [1, 7, 64, 1000] {
            var rest = bytes
            var chunks: [ByteBuffer] = []
            while let chunk = rest.readSlice(length: min(size, max(1, rest.readableBytes))) { chunks.append(chunk) }
            #expect(Self.decode(chunks).events == whole, "chunks of \(size) bytes")
        }
    }

    @Test("A request is read, written, and read again as the same", arguments: Self.requests)
    func request(_ name: String) throws {
        let body = AnthropicFixtures.buffer(name, "request.json")
        let decoded: ChatRequest
        do {
            decoded = try AnthropicMessages.decodeRequest(body)
        } catch {
            #expect(Self.isWrong(name), "\(error)")
            #expect(error.code == .invalidRequest)
            return
        }
        #expect(TokenEstimate.count(decoded) > 0)
        var first = ByteBuffer()
        let losses = try AnthropicMessages.encodeRequest(decoded, into: &first)
        let again = try AnthropicMessages.decodeRequest(first)
        var second = ByteBuffer()
        _ = try AnthropicMessages.encodeRequest(again, into: &second)
        #expect(String(buffer: first) == String(buffer: second))
        #expect(again.tools == decoded.tools)
        // One request has more cache markers than Anthropic takes.
        if !losses.contains(where: { $0.field == "messages.content.cache_control" }) {
            #expect(again.messages == decoded.messages)
        }
        #expect(again.reasoning == decoded.reasoning)
        #expect(again.responseFormat == decoded.responseFormat)
        #expect(again.toolChoice == decoded.toolChoice)
    }

    /// Blocks come one after the other, counted from zero, each started and stopped once.
    private static func checkBlocks(_ stream: String) {
        var open: Int?
        var next = 0
        for line in stream.split(separator: "\n") where line.hasPrefix("data:") {
            let event = AnthropicFixtures.object(Data(line.dropFirst(5).utf8))
            switch event["type"] as? String {
            case "content_block_start":
                #expect(open == nil)
                #expect(event["index"] as? Int == next)
                open = next
                next += 1
            case "content_block_delta": #expect(event["index"] as? Int == open)
            case "content_block_stop":
                #expect(event["index"] as? Int == open)
                open = nil
            case "message_delta": #expect(open == nil)
            default: break
            }
        }
    }

    static func decode(_ chunks: [ByteBuffer]) -> (events: [ChatEvent], error: NeedletailError?) {
        var decoder = AnthropicMessages.makeStreamDecoder()
        var events: [ChatEvent] = []
        do {
            for chunk in chunks { try decoder.decode(chunk, into: &events) }
            try decoder.finish(into: &events)
        } catch {
            return (events, error)
        }
        return (events, nil)
    }
}
