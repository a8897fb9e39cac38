import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("OpenAI responses: streams")
struct OpenAIResponsesStreamTests {
    private static func events(_ lines: [String]) -> ByteBuffer {
        ByteBuffer(string: lines.map { "data: \($0)\n\n" }.joined())
    }

    private static let created =
        #"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"m","created_at":3,"service_tier":"flex"}}"#
    private static let completed =
        #"{"type":"response.completed","sequence_number":99,"response":{"id":"resp_1","status":"completed","output":[],"usage":{"input_tokens":4,"output_tokens":2,"total_tokens":6}}}"#

    static func write(_ events: [ChatEvent], from source: DialectID?) -> (text: String, losses: [Loss]) {
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 7, replyID: "abc")
        options.source = source
        options.echo = [Extension("metadata", JSONText(unchecked: #"{"k":"v"}"#))]
        var encoder = OpenAIResponses.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return (String(buffer: out), encoder.losses)
    }

    @Test("Usage that nobody counted is null, not zero")
    func uncounted() {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")), .text("x", choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0),
        ]
        let text = Self.write(events, from: .openAIChat).text
        #expect(text.contains(#""usage":null"#) && !text.contains("input_tokens"))
        let counted = Self.write(events + [.usage(Usage(inputTokens: 1, outputTokens: 2))], from: .openAIChat).text
        #expect(counted.contains(#""input_tokens":1"#))
    }

    @Test("Every kind of item is read as it comes")
    func decode() throws {
        let (events, error) = OpenAIResponsesRecordingsTests.decode([
            Self.events([
                Self.created,
                #"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}"#,
                #"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"a"}"#,
                #"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"b"}"#,
                #"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"s"}}"#,
                #"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"x","content":[]}}"#,
                #"{"type":"response.output_text.delta","output_index":1,"item_id":"rotated","content_index":0,"delta":"hi"}"#,
                #"{"type":"response.some.future.event","output_index":1}"#,
                #"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","id":"y","content":[{"type":"output_text","text":"hi"}]}}"#,
                #"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":""}}"#,
                #"{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{\"a\":1}"}"#,
                #"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":"{\"a\":1}"}}"#,
                #"{"type":"response.output_item.done","output_index":3,"item":{"type":"custom_tool_call","id":"ct","call_id":"c2","name":"p","input":"free"}}"#,
                #"{"type":"response.output_item.done","output_index":4,"item":{"type":"web_search_call","id":"ws"}}"#,
                Self.completed,
            ])
        ])
        #expect(error == nil)
        var start = StreamStart(id: "resp_1", model: "m", created: 3)
        start.serviceTier = "flex"
        let search = OpaquePart(
            dialect: .openAIResponses, type: "web_search_call",
            json: JSONText(unchecked: #"{"type":"web_search_call","id":"ws"}"#))
        #expect(
            events == [
                .started(start), .reasoning("a", choice: 0), .blockEnded(choice: 0), .reasoning("b", choice: 0),
                .reasoningSignature("s", choice: 0), .blockEnded(choice: 0),
                .text("hi", choice: 0), .blockEnded(choice: 0),
                .toolCallStarted(index: 0, id: "c1", name: "f", isCustom: false, choice: 0),
                .toolCallArguments(index: 0, fragment: #"{"a":1}"#, choice: 0), .blockEnded(choice: 0),
                .toolCallStarted(index: 1, id: "c2", name: "p", isCustom: true, choice: 0),
                .toolCallArguments(index: 1, fragment: "free", choice: 0), .blockEnded(choice: 0),
                .opaque(search, choice: 0),
                .finished(.toolCalls, stopSequence: nil, choice: 0),
                .usage(Usage(inputTokens: 4, outputTokens: 2)),
            ])
    }

    @Test(
        "What is not streamed is taken from where it stands whole",
        arguments: [
            [#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"hi"}"#],
            [
                #"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"hi"}]}}"#
            ],
            // Nothing says which item; there is only one.
            [
                #"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#,
                #"{"type":"response.output_text.delta","delta":"hi"}"#,
            ],
        ])
    func late(_ lines: [String]) throws {
        let (events, error) = OpenAIResponsesRecordingsTests.decode([
            Self.events([Self.created] + lines + [Self.completed])
        ])
        #expect(error == nil)
        #expect(OpenAIChatCollector.reply(events).text == "hi")
    }

    @Test("An output that stands in the last event alone is read")
    func onlyAtTheEnd() throws {
        let last = Self.completed.replacing(
            #""output":[]"#, with: #""output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}]"#)
        let (events, _) = OpenAIResponsesRecordingsTests.decode([Self.events([Self.created, last])])
        #expect(OpenAIChatCollector.reply(events).text == "hi")
    }

    @Test(
        "A failure in the stream is the error that it names",
        arguments: [
            (
                #"{"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null,"sequence_number":1}"#,
                NeedletailError.Code.rateLimited
            ),
            (
                #"{"type":"error","sequence_number":1,"error":{"type":"server_error","code":null,"message":"oh"}}"#,
                .upstreamFailed
            ),
            (
                #"{"type":"response.failed","response":{"status":"failed","error":{"code":"context_length_exceeded","message":"too long"}}}"#,
                .invalidRequest
            ),
            (#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#, .rateLimited),
        ])
    func failure(_ event: String, _ code: NeedletailError.Code) throws {
        let bytes = Self.events([Self.created, event])
        #expect(OpenAIResponsesRecordingsTests.decode([bytes]).error?.code == code)
        var tap = OpenAIResponses.makeStreamTap()
        var thrown: NeedletailError?
        do { _ = try tap.observe(name: ByteBuffer(), data: ByteBuffer(string: event)) } catch { thrown = error }
        #expect(thrown?.code == code)
    }

    @Test("A stream that ends before its last event is cut short")
    func cutShort() {
        let (_, error) = OpenAIResponsesRecordingsTests.decode([Self.events([Self.created])])
        #expect(error?.code == .unreachable)
    }

    @Test("Items keep the rules whatever they come from", arguments: [DialectID.openAIChat, .anthropicMessages])
    func encode(_ source: DialectID) throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "x", model: "")), .reasoning("th", choice: 0), .reasoning("ink", choice: 0),
            .reasoningSignature("sig", choice: 0), .blockEnded(choice: 0), .redactedReasoning("hidden", choice: 0),
            .text("one", choice: 0), .blockEnded(choice: 0), .text("two", choice: 0),
            // Fragments of two calls in turn.
            .toolCallStarted(index: 0, id: "c1", name: "f", isCustom: false, choice: 0),
            .toolCallStarted(index: 1, id: "c2", name: "g", isCustom: false, choice: 0),
            .toolCallArguments(index: 0, fragment: #"{"a""#, choice: 0),
            .toolCallArguments(index: 1, fragment: #"{"b":2}"#, choice: 0),
            .toolCallArguments(index: 0, fragment: ":1}", choice: 0),
            .toolCallStarted(index: 2, id: "c3", name: "p", isCustom: true, choice: 0),
            .toolCallArguments(index: 2, fragment: "free", choice: 0),
            .toolCallStarted(index: 3, id: "c4", name: "h", isCustom: false, choice: 0),
            .finished(.toolCalls, stopSequence: nil, choice: 0), .usage(Usage(inputTokens: 5, outputTokens: 6)),
        ]
        let (text, losses) = Self.write(events, from: source)
        #expect(losses == [])
        let written = OpenAIResponsesRecordings.events(text)
        OpenAIResponsesEventRules.check(written)
        let response = try #require(written.last?["response"] as? [String: Any])
        #expect(response["id"] as? String == "resp_x")
        #expect((response["metadata"] as? [String: String]) == ["k": "v"])
        let naive = OpenAIResponsesNaiveReply(response)
        #expect(naive.text == "onetwo")
        #expect(naive.reasoning == "think")
        #expect(naive.calls == [#"c1 f {"a":1}"#, #"c2 g {"b":2}"#, "c3 p free", "c4 h {}"])
        #expect(naive.outputTokens == 6)
        let (again, error) = OpenAIResponsesRecordingsTests.decode([ByteBuffer(string: text)])
        #expect(error == nil)
        #expect(again.contains(.reasoningSignature("sig", choice: 0)))
        #expect(again.contains(.redactedReasoning("hidden", choice: 0)))
        // Its name and data are the two lines of an event.
        for event in text.components(separatedBy: "\n\n") where !event.isEmpty {
            let lines = event.components(separatedBy: "\n")
            #expect(lines.count == 2)
            #expect(lines[1].hasPrefix(#"data: {"type":"\#(lines[0].dropFirst(7))","sequence_number":"#))
        }
    }

    @Test(
        "A stop reason decides how the stream ends",
        arguments: [
            (StopReason.maxTokens, "response.incomplete", "max_output_tokens"),
            (.contentFilter, "response.incomplete", "content_filter"), (.endTurn, "response.completed", nil),
            // The text has been sent and cannot be taken back into a refusal.
            (.refusal, "response.incomplete", "content_filter"),
        ] as [(StopReason, String, String?)])
    func end(_ reason: StopReason, _ type: String, _ detail: String?) throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "", model: "")), .text("x", choice: 0),
            .finished(reason, stopSequence: nil, choice: 0),
        ]
        let last = try #require(OpenAIResponsesRecordings.events(Self.write(events, from: .openAIChat).text).last)
        #expect(last["type"] as? String == type)
        let response = try #require(last["response"] as? [String: Any])
        #expect((response["incomplete_details"] as? [String: Any])?["reason"] as? String == detail)
        #expect(response["id"] as? String == "resp_abc")
    }

    @Test("A call that is whole ends before text that follows it begins")
    func textBetweenCalls() {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "", model: "")),
            .toolCallStarted(index: 0, id: "c1", name: "f", isCustom: false, choice: 0),
            .toolCallArguments(index: 0, fragment: "{}", choice: 0), .text(" ", choice: 0),
            .toolCallStarted(index: 1, id: "c2", name: "g", isCustom: false, choice: 0),
            .toolCallArguments(index: 1, fragment: "{}", choice: 0),
            .finished(.toolCalls, stopSequence: nil, choice: 0),
        ]
        let written = OpenAIResponsesRecordings.events(Self.write(events, from: .openAIChat).text)
        OpenAIResponsesEventRules.check(written)
        let done = written.filter { $0["type"] as? String == "response.output_item.done" }
        #expect(done.map { $0["output_index"] as? Int } == [0, 1, 2])
    }

    @Test("A refusal without words is a refusal still")
    func silentRefusal() throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "", model: "")), .finished(.refusal, stopSequence: nil, choice: 0),
        ]
        let written = OpenAIResponsesRecordings.events(Self.write(events, from: .anthropicMessages).text)
        OpenAIResponsesEventRules.check(written)
        let response = try #require(written.last?["response"] as? [String: Any])
        #expect(OpenAIResponsesNaiveReply(response).refusal == "The model declined to answer.")
    }

    @Test("Log probabilities come with their text")
    func logprobs() throws {
        let logprobs = JSONText(
            unchecked: #"{"content":[{"token":"x","logprob":-0.5,"bytes":[120],"top_logprobs":[]}]}"#)
        let events: [ChatEvent] = [
            .started(StreamStart(id: "", model: "")), .text("x", choice: 0), .logprobs(logprobs, choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0),
        ]
        let (text, losses) = Self.write(events, from: .openAIChat)
        #expect(losses == [])
        OpenAIResponsesEventRules.check(OpenAIResponsesRecordings.events(text))
        let reply = try #require(
            OpenAIResponsesRecordings.events(text).last?["response"] as? [String: Any])
        let body = ByteBuffer(bytes: try JSONSerialization.data(withJSONObject: reply))
        let read = try OpenAIResponses.decodeReply(body)
        let view = try #require(try read.choices[0].logprobs?.view())
        #expect(view["content"]?.elements.map { $0["token"]?.string } == ["x"])
    }

    @Test("a time that is none is no time", arguments: ["1e300", "-1e300", "17222222222222222222222", "\"x\""])
    func times(_ time: String) throws {
        let text =
            #"{"id":"r","object":"response","created_at":\#(time),"status":"completed","model":"m","output":[{"id":"m","#
            + #""type":"message","role":"assistant","content":[{"type":"output_text","text":"x","annotations":[]}]}]}"#
        #expect(try OpenAIResponses.decodeReply(ByteBuffer(string: text)).created == nil)
        var decoder = OpenAIResponses.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(
            ByteBuffer(string: #"data: {"type":"response.created","response":\#(text)}"# + "\n\n"), into: &events)
        guard case .started(let start)? = events.first else {
            Issue.record("no start")
            return
        }
        #expect(start.created == nil)
    }

    @Test(
        "An error's event is numbered after the last one sent",
        arguments: [
            ("", 0), (#"data: {"type":"a","sequence_number":7}"#, 8),
            (#"data: {"type":"a","sequence_number": 41,"delta":"\"sequence_number\":9"}"#, 42),
        ])
    func failureNumber(_ sent: String, _ number: Int) throws {
        var out = ByteBuffer()
        OpenAIResponses.encodeStreamFailure(
            NeedletailError(.rateLimited, "slow"), requestID: "r", after: ByteBuffer(string: sent), into: &out)
        let event = try #require(OpenAIResponsesRecordings.events(String(buffer: out)).first)
        #expect(event["type"] as? String == "error")
        #expect(event["message"] as? String == "slow")
        #expect(event["sequence_number"] as? Int == number)
        #expect((event["error"] as? [String: Any])?["type"] as? String == "rate_limit_error")
    }
}
