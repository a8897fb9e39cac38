import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("OpenAI responses over recorded traffic", .enabled(if: OpenAIChatRecordings.areThere))
struct OpenAIResponsesRecordingsTests {
    typealias Case = OpenAIChatRecordings.Case
    static let whole = OpenAIResponsesRecordings.having("response.json")
    /// All but one whose deltas were shortened by hand and contradict the whole text.
    static let streams = OpenAIResponsesRecordings.having("stream.sse").filter {
        !$0.name.contains("stream-openai-shell-container")
    }
    static let requests = OpenAIResponsesRecordings.having("request.json")

    @Test("There are cases at all")
    func areThere() {
        #expect(Self.whole.count > 50)
        #expect(Self.streams.count > 60)
        #expect(Self.requests.count > 60)
    }

    @Test("A whole reply says what its JSON says, and says it again when written anew", arguments: Self.whole)
    func wholeReply(_ recording: Case) throws {
        let body = try #require(recording.bytes("response.json"))
        guard recording.status == 200 else {
            let error = OpenAIResponses.decodeFailure(status: recording.status, headers: [:], body: body)
            #expect(error.code != .internalFailure)
            return
        }
        let json = OpenAIResponsesRecordings.object(body)
        if json["output"] == nil {
            #expect(throws: NeedletailError.self) { try OpenAIResponses.decodeReply(body) }
            return
        }
        let naive = OpenAIResponsesNaiveReply(json)
        let reply = try OpenAIResponses.decodeReply(body)
        #expect(OpenAIResponsesNaiveReply(reply) == naive)
        #expect(try OpenAIResponses.inspectReply(body) == reply.usage)
        var encoded = ByteBuffer()
        _ = try OpenAIResponses.encodeReply(reply, created: 0, into: &encoded)
        let again = try OpenAIResponses.decodeReply(encoded)
        #expect(again.usage == reply.usage)
        // A response is on its way, or it is over: there is nothing in between to be written anew.
        guard naive.status != "queued" else { return }
        #expect(OpenAIResponsesNaiveReply(OpenAIResponsesRecordings.object(encoded)) == naive)
        #expect(Self.uncited(again) == Self.uncited(reply))
    }

    /// The content without citations, whose white space is not kept.
    private static func uncited(_ reply: ChatResponse) -> [ContentPart] {
        (reply.choices.first?.content ?? []).map { part in
            guard case .text(var text) = part else { return part }
            text.citations = nil
            return .text(text)
        }
    }

    @Test("A stream says what its items say, and says it again when written anew", arguments: Self.streams)
    func stream(_ recording: Case) throws {
        let bytes = try #require(OpenAIResponsesRecordings.stream(recording))
        let events = OpenAIResponsesRecordings.events(String(buffer: bytes))
        let (read, error) = Self.decode([bytes])
        let isFailure = events.contains {
            ["error", "response.failed"].contains($0["type"] as? String ?? "")
        }
        #expect((error != nil) == isFailure, "\(String(describing: error))")
        guard error == nil else { return }
        let naive = OpenAIResponsesNaiveReply(events: events)
        #expect(Self.naive(read) == naive)

        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 0, replyID: "r")
        options.source = .openAIResponses
        var encoder = OpenAIResponses.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in read { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        let written = OpenAIResponsesRecordings.events(String(buffer: out))
        #expect(OpenAIResponsesNaiveReply(events: written) == naive)
        let last = try #require(written.last?["response"] as? [String: Any])
        #expect(OpenAIResponsesNaiveReply(last) == naive)
        OpenAIResponsesEventRules.check(written)
        let (again, failure) = Self.decode([out])
        #expect(failure == nil)
        #expect(Self.naive(again) == naive)
    }

    @Test("A stream means the same however it is cut", arguments: Self.streams)
    func cuts(_ recording: Case) throws {
        let bytes = try #require(OpenAIResponsesRecordings.stream(recording))
        let whole = Self.decode([bytes])
        for size in bytes.readableBytes > 12_000 ? [997] : [1, 64] {
            let cut = Self.decode(bytes.split(every: size))
            #expect(cut.events == whole.events, "chunks of \(size) bytes")
            #expect(cut.error?.code == whole.error?.code)
        }
    }

    @Test("The tap knows what the decoder knows, and forwards all of a good stream", arguments: Self.streams)
    func tap(_ recording: Case) throws {
        let bytes = try #require(OpenAIResponsesRecordings.stream(recording))
        let (events, error) = Self.decode([bytes])
        var usage: Usage?
        for case .usage(let known) in events { usage = known }
        var tap = OpenAIResponses.makeStreamTap()
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
        #expect(tap.isComplete == (error == nil))
    }

    @Test("A request is read, written, and read again as the same", arguments: Self.requests)
    func request(_ recording: Case) throws {
        let body = try #require(recording.bytes("request.json"))
        let json = OpenAIResponsesRecordings.object(body)
        guard json["input"] != nil, json["model"] is String else { return }
        let decoded: ChatRequest
        do {
            decoded = try OpenAIResponses.decodeRequest(body)
        } catch {
            #expect(recording.status == 400, "\(error)")
            return
        }
        #expect(!decoded.messages.isEmpty)
        var first = ByteBuffer()
        _ = try OpenAIResponses.encodeRequest(decoded, into: &first)
        let again = try OpenAIResponses.decodeRequest(first)
        #expect(again.messages == decoded.messages)
        #expect(again.tools == decoded.tools)
        #expect(again.toolChoice == decoded.toolChoice)
        #expect(again.reasoning == decoded.reasoning)
        #expect(again.responseFormat == decoded.responseFormat)
        var second = ByteBuffer()
        _ = try OpenAIResponses.encodeRequest(again, into: &second)
        #expect(String(buffer: first) == String(buffer: second))
    }

    private static func naive(_ events: [ChatEvent]) -> OpenAIResponsesNaiveReply {
        var naive = OpenAIResponsesNaiveReply(OpenAIChatCollector.reply(events))
        // A reply of nothing but items that only its provider knows has no content for the collector.
        for case .finished(let reason, _, _) in events {
            naive.status =
                switch reason {
                case .maxTokens: "max_output_tokens"
                case .contentFilter: "content_filter"
                case .other(let word): word
                default: "completed"
                }
        }
        return naive
    }

    static func decode(_ chunks: [ByteBuffer]) -> (events: [ChatEvent], error: NeedletailError?) {
        var decoder = OpenAIResponses.makeStreamDecoder()
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

/// The rules that the events of a response keep, whoever writes them.
enum OpenAIResponsesEventRules {
    static func check(_ events: [[String: Any]], sourceLocation: SourceLocation = #_sourceLocation) {
        let types = events.map { $0["type"] as? String ?? "" }
        #expect(
            events.map { $0["sequence_number"] as? Int } == Array(0..<events.count).map { Optional($0) },
            sourceLocation: sourceLocation)
        #expect(types.prefix(2) == ["response.created", "response.in_progress"], sourceLocation: sourceLocation)
        #expect(
            ["response.completed", "response.incomplete"].contains(types.last ?? ""), sourceLocation: sourceLocation)
        var open: [Int: String] = [:]
        var done: [Int: [String: Any]] = [:]
        var pieces: [String: String] = [:]
        for (type, event) in zip(types, events) {
            guard let index = event["output_index"] as? Int else { continue }
            let item = event["item"] as? [String: Any]
            let key = "\(index)/\(event["content_index"] ?? event["summary_index"] ?? "")"
            switch type {
            case "response.output_item.added":
                #expect(index == open.count, sourceLocation: sourceLocation)
                open[index] = item?["id"] as? String ?? ""
            case "response.output_item.done":
                #expect(open[index] != nil && done[index] == nil, sourceLocation: sourceLocation)
                #expect(item?["id"] as? String ?? "" == open[index], sourceLocation: sourceLocation)
                done[index] = item
            default:
                #expect(event["item_id"] as? String == open[index], sourceLocation: sourceLocation)
                #expect(done[index] == nil, sourceLocation: sourceLocation)
            }
            if type.hasSuffix(".delta") { pieces[key, default: ""] += event["delta"] as? String ?? "" }
            let whole = event["text"] ?? event["refusal"] ?? event["arguments"] ?? event["input"]
            if let whole = whole as? String, type.hasSuffix(".done") {
                #expect(pieces[key, default: ""] == whole, sourceLocation: sourceLocation)
            }
        }
        #expect(done.count == open.count, sourceLocation: sourceLocation)
        let output = (events.last?["response"] as? [String: Any])?["output"] as? [[String: Any]] ?? []
        #expect(
            output.map { $0["id"] as? String } == (0..<done.count).map { done[$0]?["id"] as? String },
            sourceLocation: sourceLocation)
    }
}
