import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Bedrock Converse over recorded traffic", .enabled(if: OpenAIChatRecordings.areThere))
struct BedrockRecordingsTests {
    typealias Case = BedrockRecordings.Case

    /// What this library makes of a reply, in the plain reader's form.
    private static func plain(_ reply: ChatResponse) -> BedrockPlainReply {
        var plain = BedrockPlainReply(whole: [:])
        for part in reply.choices.first?.content ?? [] {
            switch part {
            case .text(let part): plain.text += part.text
            case .reasoning(let part):
                plain.reasoning += part.text
                plain.signature += part.signature ?? ""
            case .redactedReasoning(let data): plain.redacted.append(data)
            case .toolCall(let call):
                let json = try? JSONSerialization.jsonObject(with: Data(call.arguments.utf8))
                plain.calls.append(
                    .init(id: call.id, name: call.name, arguments: BedrockPlainReply.canonical(json ?? [:])))
            default: continue
            }
        }
        plain.stop = BedrockStopReason.word(reply.choices.first?.stopReason, hasCalls: false, isOwn: true)
        plain.input = reply.usage?.inputTokens ?? 0
        plain.output = reply.usage?.outputTokens ?? 0
        return plain
    }

    private static func decode(_ pieces: [ByteBuffer]) throws(NeedletailError) -> [ChatEvent] {
        var decoder = BedrockStreamDecoder()
        var events: [ChatEvent] = []
        for piece in pieces { try decoder.decode(piece, into: &events) }
        try decoder.finish(into: &events)
        return events
    }

    @Test("there are cases")
    func count() {
        #expect(BedrockRecordings.converse.count > 20)
        #expect(BedrockRecordings.streams.count > 20)
    }

    @Test("whole replies", arguments: BedrockRecordings.converse.filter { $0.status == 200 })
    func whole(_ recorded: Case) throws {
        let bytes = try #require(recorded.reply)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(bytes.readableBytesView)) as? [String: Any])
        var expected = BedrockPlainReply(whole: json)
        // One word for both.
        if expected.stop == "guardrail_intervened" { expected.stop = "content_filtered" }
        let reply = try BedrockConverse.decodeReply(bytes)
        #expect(Self.plain(reply) == expected)
        // What passes through is asked for its counters, not for its times.
        var counted = reply.usage
        counted?.timing = nil
        #expect(try BedrockConverse.inspectReply(bytes) == counted)
        var out = ByteBuffer()
        let losses = try BedrockConverse.encodeReply(reply, created: 1, into: &out)
        #expect(losses == [])
        #expect(try BedrockConverse.decodeReply(out) == reply)
    }

    @Test("streams, however they are cut", arguments: BedrockRecordings.streams.filter { $0.stream != nil })
    func streams(_ recorded: Case) throws {
        let bytes = try #require(recorded.stream)
        let events = try Self.decode([bytes])
        #expect(Self.plain(Self.collect(events)) == BedrockPlainReply(stream: bytes))
        #expect(try Self.decode(bytes.split(every: 1)) == events)
        var rest = bytes
        var pieces = recorded.chunkSizes.compactMap { rest.readSlice(length: $0) }
        pieces.append(rest)
        #expect(try Self.decode(pieces) == events)
    }

    /// As ``OpenAIChatCollector`` has it, with what only this dialect sends.
    private static func collect(_ events: [ChatEvent]) -> ChatResponse {
        var reply = OpenAIChatCollector.reply(events)
        var extra: [ContentPart] = []
        var signature = ""
        for event in events {
            if case .redactedReasoning(let data, _) = event { extra.append(.redactedReasoning(data)) }
            if case .reasoningSignature(let text, _) = event { signature += text }
        }
        if !signature.isEmpty { extra.append(.reasoning(ReasoningPart("", signature: signature))) }
        if !reply.choices.isEmpty { reply.choices[0].content += extra }
        return reply
    }

    @Test("streams written anew say the same", arguments: BedrockRecordings.streams.filter { $0.stream != nil })
    func rewritten(_ recorded: Case) throws {
        let bytes = try #require(recorded.stream)
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = .bedrockConverse
        var encoder = BedrockStreamEncoder(options)
        var out = ByteBuffer()
        for event in try Self.decode([bytes]) { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        #expect(encoder.losses == [])
        #expect(BedrockPlainReply(stream: out) == BedrockPlainReply(stream: bytes))
        #expect(try EventStreamTests.decode([out]).last.map { String(buffer: $0.name) } == "metadata")
    }

    @Test("the tap sees each stream through", arguments: BedrockRecordings.streams.filter { $0.stream != nil })
    func tap(_ recorded: Case) throws {
        let bytes = try #require(recorded.stream)
        var tap = BedrockStreamTap()
        for event in try EventStreamTests.decode([bytes]) {
            let verdict = try tap.observe(name: event.name, data: event.data)
            #expect(verdict != .usageOnly)
        }
        let plain = BedrockPlainReply(stream: bytes)
        #expect(tap.isTerminated)
        #expect(tap.usage?.inputTokens == plain.input)
        #expect(tap.usage?.outputTokens == plain.output)
    }

    @Test(
        "errors keep their class",
        arguments: (BedrockRecordings.converse + BedrockRecordings.streams
            + BedrockRecordings.cases(["bedrock/invoke", "bedrock/count-tokens", "bedrock/invoke-with-response-stream"]))
            .filter { $0.status >= 400 })
    func failures(_ recorded: Case) throws {
        var headers = HTTPFields()
        for (name, value) in recorded.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        let error = BedrockConverse.decodeFailure(
            status: recorded.status, headers: headers, body: try #require(recorded.reply))
        #expect(error.upstream?.status == recorded.status)
        switch recorded.status {
        case 400: #expect(error.code == .invalidRequest)
        case 403: #expect([.credentialRejected, .modelForbidden].contains(error.code))
        default: Issue.record("unexpected status \(recorded.status)")
        }
        #expect(error.upstream?.requestID == recorded.headers["x-amzn-requestid"])
        #expect(error.upstream?.type?.contains(":") != true)
    }

    @Test(
        "requests are read, and written again they stay what they are",
        arguments: (BedrockRecordings.converse + BedrockRecordings.streams).filter { $0.request != nil })
    func requests(_ recorded: Case) throws {
        var request = try BedrockConverse.decodeRequest(try #require(recorded.request))
        #expect(!request.messages.isEmpty)
        request.model = recorded.meta["model"] as? String ?? "anthropic.claude-sonnet-4-5"
        var out = ByteBuffer()
        _ = try BedrockConverse.encodeRequest(request, into: &out)
        var again = try BedrockConverse.decodeRequest(out)
        again.model = request.model
        #expect(again.messages == request.messages)
        #expect(again.tools == request.tools)
        #expect(again.toolChoice == request.toolChoice)
        #expect(again.maxOutputTokens == request.maxOutputTokens)
        #expect(again.reasoning == request.reasoning)
        #expect(again.stopSequences == request.stopSequences)
    }

    @Test("counts")
    func counts() throws {
        for recorded in BedrockRecordings.cases(["bedrock/count-tokens"]) {
            let request = try BedrockConverse.decodeCountRequest(try #require(recorded.request))
            #expect(request.messages.count == 1)
            guard recorded.status == 200 else { continue }
            #expect(try BedrockConverse.decodeTokenCount(try #require(recorded.reply)) > 0)
        }
    }
}
