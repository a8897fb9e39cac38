import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Gemini: streams")
struct GeminiStreamTests {
    static let plain =
        GeminiFixture.chunk(#"{"text":"Thinking.","thought":true}"#) + GeminiFixture.chunk(#"{"text":"Hel"}"#)
        + GeminiFixture.chunk(#"{"text":"lo"}"#) + GeminiFixture.last()

    @Test("However the bytes are split", arguments: [1, 2, 3, 7, 64, .max])
    func pieces(_ size: Int) throws {
        let events = try GeminiFixture.events(Self.plain, every: size)
        var usage = Usage(inputTokens: 4, outputTokens: 3)
        usage.reasoningTokens = nil
        #expect(
            events == [
                .started(StreamStart(id: "r1", model: "g-1")), .blockEnded(choice: 0),
                .reasoning("Thinking.", choice: 0), .blockEnded(choice: 0), .text("Hel", choice: 0),
                .text("lo", choice: 0), .usage(usage), .finished(.endTurn, stopSequence: nil, choice: 0),
            ])
    }

    @Test("One JSON array is the same stream, spelled in any way", arguments: [1, 5, .max], [true, false])
    func array(_ size: Int, _ isPretty: Bool) throws {
        let objects = Self.plain.split(separator: "\r\n\r\n").map { String($0.dropFirst(6)) }
        let text =
            isPretty
            ? "[" + objects.map { $0.replacing(",\"", with: ",\r\n  \"") }.joined(separator: "\n,\r\n") + "\n]\n"
            : "[" + objects.joined(separator: ",") + "]"
        #expect(try GeminiFixture.events(text, every: size) == GeminiFixture.events(Self.plain))
    }

    @Test("Arguments that come value by value, several calls, and one without any", arguments: [1, .max])
    func partialArguments(_ size: Int) throws {
        let text =
            GeminiFixture.chunk(#"{"functionCall":{"name":"cook","willContinue":true},"thoughtSignature":"AAAA"}"#)
            + GeminiFixture.chunk(
                #"{"functionCall":{"partialArgs":[{"jsonPath":"$.dish.name","stringValue":"So","willContinue":true}],"willContinue":true}}"#
            )
            + GeminiFixture.chunk(
                #"{"functionCall":{"partialArgs":[{"jsonPath":"$.dish.name","stringValue":"up"},{"jsonPath":"$.dish.steps[0].min","numberValue":5},{"jsonPath":"$.dish.steps[1]['a b']","boolValue":true},{"jsonPath":"$.x","nullValue":"NULL_VALUE"}],"willContinue":true}}"#
            )
            + GeminiFixture.chunk(#"{"functionCall":{}}"#)
            + GeminiFixture.chunk(#"{"functionCall":{"name":"wait"}}"#)
            + GeminiFixture.chunk(
                #"{"functionCall":{"name":"cook","partialArgs":[{"jsonPath":"$.a","stringValue":"b"}]}}"#)
            + GeminiFixture.last()
        let events = try GeminiFixture.events(text, every: size)
        let calls = OpenAIChatCollector.reply(events).toolCalls
        #expect(calls.map(\.name) == ["cook", "wait", "cook"])
        #expect(
            calls.map(\.arguments) == [
                #"{"dish":{"name":"Soup","steps":[{"min":5},{"a b":true}]},"x":null}"#, "{}", #"{"a":"b"}"#,
            ])
        #expect(Set(calls.map(\.id)).count == 3)
        #expect(events.contains(.reasoningSignature("AAAA", choice: 0)))
        #expect(events.last == .finished(.toolCalls, stopSequence: nil, choice: 0))
    }

    @Test("A signature on an empty text part stands alone, behind the thoughts that it does not belong to")
    func emptySignature() throws {
        let events = try GeminiFixture.events(
            GeminiFixture.chunk(#"{"text":"Hm","thought":true}"#) + GeminiFixture.chunk(#"{"text":"Yes"}"#)
                + GeminiFixture.chunk(#"{"text":"","thoughtSignature":"AAAA"}"#) + GeminiFixture.last())
        let (chat, _) = GeminiFixture.stream(events, as: .openAIChat, from: .gemini)
        #expect(chat.contains(#""thinking_blocks":[{"index":0,"type":"thinking","thinking":"","signature":"AAAA"}]"#))
        let (messages, _) = GeminiFixture.stream(events, as: .anthropicMessages, from: .gemini)
        #expect(messages.contains(#""signature":"AAAA""#))
    }

    @Test("A call's signature goes with the call to chat clients, before it to Anthropic's")
    func callSignature() throws {
        let events = try GeminiFixture.events(
            GeminiFixture.chunk(#"{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"AAAA"}"#)
                + GeminiFixture.last())
        let (chat, _) = GeminiFixture.stream(events, as: .openAIChat, from: .gemini)
        #expect(chat.contains(#""extra_content":{"google":{"thought_signature":"AAAA"}}"#))
        #expect(!chat.contains("thinking_blocks"))
        var decoder = OpenAIChat.makeStreamDecoder()
        var again: [ChatEvent] = []
        try decoder.decode(ByteBuffer(string: chat), into: &again)
        let (gemini, losses) = GeminiFixture.stream(again, as: .gemini, from: .openAIChat)
        #expect(gemini.contains(#""args":{"a":1}},"thoughtSignature":"AAAA"}"#) && losses.isEmpty)
    }

    @Test("Content may follow a finish reason, the last reason counts, and a reason that nobody knows is one")
    func lateContent() throws {
        let early = GeminiFixture.chunk(#"{"text":"a"}"#).replacing(
            #""index":0"#, with: #""finishReason":"STOP","index":0"#)
        let events = try GeminiFixture.events(early + early + GeminiFixture.last("FAKE_ENUM"))
        #expect(OpenAIChatCollector.reply(events).text == "aa")
        #expect(events.last == .finished(.other("FAKE_ENUM"), stopSequence: nil, choice: 0))
        #expect(events.count { if case .finished = $0 { true } else { false } } == 1)
    }

    @Test("A blocked prompt ends the stream as a filter does")
    func blocked() throws {
        let events = try GeminiFixture.events(#"data: {"promptFeedback":{"blockReason":"SAFETY"}}"# + "\r\n\r\n")
        #expect(events.last == .finished(.contentFilter, stopSequence: nil, choice: 0))
    }

    @Test("A stream that ends without a reason is cut short; one that breaks after it is whole")
    func ends() throws {
        let cut = try #require(throws: NeedletailError.self) {
            try GeminiFixture.events(GeminiFixture.chunk(#"{"text":"a"}"#))
        }
        #expect(cut.code == .unreachable)
        var decoder = GeminiStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(ByteBuffer(string: Self.plain + "data: {\"cand"), into: &events)
        let isWhole = decoder.salvage(into: &events)
        #expect(isWhole)
        #expect(events.last == .finished(.endTurn, stopSequence: nil, choice: 0))
    }

    static let error =
        #"{"# + "\n" + #"  "error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}"#
        + "\n}\n"

    @Test(
        "An error is one as an event, bare between events, and in an array", arguments: [1, .max],
        [
            ("data: ", true), ("", true), ("", false), ("[", false), ("data: ", false),
        ])
    func errors(_ size: Int, _ form: (before: String, isLate: Bool)) throws {
        let flat = Self.error.replacing("\n", with: "")
        let text =
            (form.isLate ? GeminiFixture.chunk(#"{"text":"a"}"#) : "") + form.before
            + (form.before == "data: " ? flat : Self.error) + (form.before == "[" ? "]" : "\r\n\r\n")
        let error = try #require(throws: NeedletailError.self) { try GeminiFixture.events(text, every: size) }
        #expect(error.code == .overloaded && error.message == "The model is overloaded.")
    }

    @Test(
        "A passthrough forwards the bytes as they are, and what is no event as events",
        arguments: [1, 9, .max], [false, true])
    func passthrough(_ size: Int, _ isArray: Bool) async throws {
        let objects = Self.plain.split(separator: "\r\n\r\n").map { String($0.dropFirst(6)) }
        let text = isArray ? "[" + objects.joined(separator: "\n,\r\n") + "]" : Self.plain
        let bench = Bench(Self.spec, options: .init(basePath: "/v1beta")) { _ in
            TransportResponse(
                status: 200, headers: [.contentType: isArray ? "application/json; charset=UTF-8" : "text/event-stream"],
                body: TransportBody(ScriptedBody(ByteBuffer(string: text).split(every: size))))
        }
        let reply = try await bench.provider.respond(to: Self.asked(), context: .testing())
        let (got, failure) = try await collect(reply)
        #expect(failure == nil)
        if !isArray { #expect(got == text) }
        #expect(try GeminiFixture.events(got) == GeminiFixture.events(Self.plain))
        #expect(try bench.sent.path == "/v1beta/models/gemini-x:streamGenerateContent?alt=sse")
    }

    @Test("An error in the place of an array is thrown before anything is committed")
    func arrayError() async throws {
        let bench = Bench(Self.spec, options: .init(basePath: "/v1beta")) { _ in json("[" + Self.error + "]") }
        let error = try await #require(throws: NeedletailError.self) {
            _ = try await bench.provider.respond(to: Self.asked(), context: .testing())
        }
        #expect(error.code == .overloaded)
    }

    @Test("Log probabilities and several candidates")
    func choices() throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "i", model: "m")), .text("a", choice: 0), .text("b", choice: 1),
            .logprobs(JSONText(unchecked: #"{"content":[{"token":"a","logprob":-1,"top_logprobs":[]}]}"#), choice: 0),
            .finished(.maxTokens, stopSequence: nil, choice: 1), .finished(.endTurn, stopSequence: nil, choice: 0),
            .usage(Usage(inputTokens: 1, outputTokens: 2)),
        ]
        let (text, losses) = GeminiFixture.stream(events, as: .gemini, from: .openAIChat)
        #expect(losses.isEmpty)
        let again = try GeminiFixture.events(text)
        let reply = OpenAIChatCollector.reply(again)
        #expect(reply.choices.map(\.stopReason) == [.endTurn, .maxTokens])
        #expect(reply.usage == Usage(inputTokens: 1, outputTokens: 2))
        #expect(again.contains { if case .logprobs = $0 { true } else { false } })
    }

    @Test("Calls whose fragments come in turn are whole parts, in order")
    func interleaved() throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "i", model: "m")),
            .toolCallStarted(index: 0, id: "x", name: "f", isCustom: false, choice: 0),
            .toolCallStarted(index: 1, id: "y", name: "g", isCustom: false, choice: 0),
            .toolCallArguments(index: 1, fragment: #"{"b":"#, choice: 0),
            .toolCallArguments(index: 0, fragment: #"{"a":1}"#, choice: 0),
            .toolCallArguments(index: 1, fragment: "2}", choice: 0),
            .finished(.toolCalls, stopSequence: nil, choice: 0),
        ]
        let (text, _) = GeminiFixture.stream(events, as: .gemini, from: .openAIChat)
        let calls = OpenAIChatCollector.reply(try GeminiFixture.events(text)).toolCalls
        #expect(calls.map(\.id) == ["x", "y"] && calls.map(\.arguments) == [#"{"a":1}"#, #"{"b":2}"#])
    }

    static let spec = ProviderSpec(
        type: "sample", dialects: [.gemini], baseURL: nil, auth: .none)

    private static func asked() throws -> InferenceRequest {
        try RequestPeek.read(
            ByteBuffer(string: #"{"contents":[{"parts":[{"text":"Hi"}]}]}"#), dialect: .gemini, operation: .chat,
            model: "gemini-x", isStreaming: true)
    }
}
