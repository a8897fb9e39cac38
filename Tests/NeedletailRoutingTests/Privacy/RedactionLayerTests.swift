import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Testing

/// Sensitive data stays here: upstream sees placeholders, the client its own values, and every other byte is the same.
struct RedactionLayerTests {
    private static let everything = Dictionary(
        uniqueKeysWithValues: SensitiveKind.allCases.map { ($0, RedactionPolicy.Action.redact) })

    private func layer(
        _ next: any Provider, _ policy: RedactionPolicy = RedactionPolicy(actions: everything)
    )
        -> RedactionLayer
    {
        RedactionLayer(next, policies: [policy], cutters: { $0.makeEventCutter() }, random: .seeded(1))
    }

    private func request(_ body: String, _ dialect: DialectID = .openAIChat) throws -> InferenceRequest {
        let bytes = ByteBuffer(string: body)
        return try RequestPeek.read(bytes, dialect: dialect, operation: .chat)
    }

    private func body(_ request: InferenceRequest?) -> String {
        guard case .wire(let wire, _)? = request?.body else { return "" }
        return String(buffer: wire.bytes)
    }

    private func placeholders(in text: String) -> [String] {
        text.matches(of: /\[[A-Z_]+_[A-Z2-7]{6}\]/).map { String($0.output) }
    }

    private func read(_ reply: InferenceReply) async throws -> String {
        switch reply.body {
        case .complete(let wire, _): return String(buffer: wire.bytes)
        case .stream(let stream):
            var text = ""
            for try await chunk in stream { text += String(buffer: chunk) }
            return text
        }
    }

    @Test("only the values change, and the landmarks move with them")
    func splices() async throws {
        let scripted = ScriptedProvider("p")
        let text =
            #"{ "messages":[{"role":"user","content":"I am \u006aoe@example.com\n+49 171 1234567 \ud83d\ude00"}, {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://h/?u=ann@example.com"}},{"type":"text","text":"x"}]}],"extra":1.0e0,"model" : "m","stream_options":{"include_usage":true} }"#
        let request = try self.request(text)
        _ = try await self.layer(scripted).respond(to: request, context: .testing())
        let sent = self.body(scripted.requests.first)
        let found = self.placeholders(in: sent)
        try #require(found.count == 2)
        let expected = text.replacing(#"\u006aoe@example.com"#, with: found[0]).replacing(
            "+49 171 1234567", with: found[1])
        #expect(sent == expected)
        guard case .wire(_, let landmarks)? = scripted.requests.first?.body else { return }
        let bytes = Array(sent.utf8)
        let model = try #require(landmarks.model)
        #expect(String(decoding: bytes[model], as: UTF8.self) == #""m""#)
        let options = try #require(landmarks.streamOptions)
        #expect(String(decoding: bytes[options], as: UTF8.self) == #"{"include_usage":true}"#)
        #expect(bytes[landmarks.end] == UInt8(ascii: "}") && landmarks.end == bytes.count - 1)
        #expect((scripted.requests.first?.estimatedInputTokens ?? 0) >= request.estimatedInputTokens)
    }

    @Test(
        "what is no text is left alone in every dialect",
        arguments: [
            (
                DialectID.anthropicMessages,
                #"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"4111111111111111"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"a@b.de","name":"t","input":{"id":"SEEN"}}]}]}"#
            ),
            (
                .gemini,
                #"{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"a/b","data":"4111111111111111"}},{"functionResponse":{"name":"f","response":{"url":"SEEN"}}}]}]}"#
            ),
            (
                .openAIResponses,
                #"{"model":"m","previous_response_id":"a@b.de","input":[{"type":"message","role":"user","content":[{"type":"input_image","image_url":"https://a@b.de/"},{"type":"input_text","text":"SEEN"}]}]}"#
            ),
            (.cohereChat, #"{"model":"m","messages":[{"role":"user","content":"SEEN"}],"documents":["SEEN"]}"#),
            (
                .ollamaChat,
                #"{"model":"a@b.de","messages":[{"role":"user","content":"SEEN","images":["4111111111111111"]}]}"#
            ),
        ])
    func structure(dialect: DialectID, body: String) async throws {
        let scripted = ScriptedProvider("p")
        let text = body.replacing("SEEN", with: "joe@example.com")
        let request = InferenceRequest(
            operation: .chat, model: "m",
            body: .wire(WireBody(dialect: dialect, bytes: ByteBuffer(string: text)), BodyLandmarks()),
            replyDialect: dialect)
        _ = try await self.layer(scripted).respond(to: request, context: .testing())
        let sent = self.body(scripted.requests.first)
        let found = try #require(self.placeholders(in: sent).first)
        #expect(sent == body.replacing("SEEN", with: found))
    }

    @Test("a request made in Swift is redacted too")
    func typed() async throws {
        let scripted = ScriptedProvider("p")
        let chat = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(.user, "joe@example.com"),
                ChatMessage(
                    .tool, [.toolResult(ToolResult(callID: "a@b.de", content: [.text(TextPart("203.0.113.7"))]))]),
            ])
        let request = InferenceRequest(operation: .chat, model: "m", body: .model(chat), replyDialect: nil)
        _ = try await self.layer(scripted).respond(to: request, context: .testing())
        guard case .model(let sent)? = scripted.requests.first?.body else { return }
        #expect(self.placeholders(in: "\(sent.messages)").count == 2)
        #expect("\(sent.messages)".contains("a@b.de"))
    }

    @Test("equal values have one placeholder, in every request of a tenant; others' have another")
    func stable() async throws {
        let scripted = ScriptedProvider("p")
        let layer = self.layer(scripted)
        let request = try self.request(
            #"{"model":"m","messages":[{"role":"user","content":"joe@example.com ann@example.com joe@example.com"}]}"#)
        for tenant in ["one", "one", "two"] {
            _ = try await layer.respond(to: request, context: .testing(keyName: "k", tenant: tenant))
        }
        let sent = scripted.requests.map { self.placeholders(in: self.body($0)) }
        #expect(sent[0] == sent[1] && sent[0][0] == sent[0][2] && sent[0][0] != sent[0][1])
        #expect(Set(sent[2]).isDisjoint(with: sent[0]))
    }

    @Test("refused kinds are named, never the value; logged ones pass")
    func actions() async throws {
        let scripted = ScriptedProvider("p")
        let layer = self.layer(scripted, RedactionPolicy(actions: [.card: .refuse, .email: .log]))
        let text = #"{"model":"m","messages":[{"role":"user","content":"joe@example.com"}]}"#
        _ = try await layer.respond(to: try self.request(text), context: .testing())
        #expect(self.body(scripted.requests.first) == text)
        do {
            _ = try await layer.respond(
                to: try self.request(text.replacing("joe@example.com", with: "4111111111111111")), context: .testing())
            Issue.record("it went through")
        } catch let error as NeedletailError {
            #expect(error.code == .invalidRequest && error.message.contains("card") && !error.message.contains("4111"))
        }
        #expect(scripted.callCount == 1)
    }

    @Test("a policy for others does nothing")
    func scope() async throws {
        let scripted = ScriptedProvider("p")
        let policy = RedactionPolicy(
            scope: GuardScope(tenants: [ModelGlob("acme*")]), actions: [.email: .redact])
        let text = #"{"model":"m","messages":[{"role":"user","content":"joe@example.com"}]}"#
        for tenant in ["other", nil, "acme-1"] {
            _ = try await self.layer(scripted, policy).respond(
                to: try self.request(text), context: .testing(keyName: "k", tenant: tenant))
        }
        #expect(scripted.requests.map { self.body($0) == text } == [true, true, false])
    }

    // MARK: Replies

    /// What stands for `joe@example.com` in the layers of these tests.
    private func placeholder() async throws -> String {
        let scripted = ScriptedProvider("p")
        _ = try await self.layer(scripted).respond(
            to: try self.request(#"{"model":"m","messages":[{"role":"user","content":"joe@example.com"}]}"#),
            context: .testing())
        return try #require(self.placeholders(in: self.body(scripted.requests.first)).first)
    }

    @Test("a whole reply has the values again, in texts and arguments")
    func whole() async throws {
        let name = try await self.placeholder()
        let reply =
            #"{"choices":[{"message":{"content":"to NAME, [EMAIL_AAAAAA] [x]","tool_calls":[{"function":{"arguments":"{\"to\":\"NAME\"}"}}]}}]}"#
        let scripted = ScriptedProvider("p", [.reply(reply.replacing("NAME", with: name))])
        let answer = try await self.layer(scripted).respond(
            to: try self.request(#"{"model":"m","messages":[{"role":"user","content":"joe@example.com"}]}"#),
            context: .testing())
        #expect(try await self.read(answer) == reply.replacing("NAME", with: "joe@example.com"))
    }

    private static func chunk(_ text: String) -> String {
        #"data: {"id":"c","choices":[{"index":0,"delta":{"content":"TEXT"}}]}"#.replacing("TEXT", with: text) + "\n\n"
    }

    private static let end =
        #"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n"

    private func text(of stream: String) throws -> String {
        var decoder = OpenAIChat.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(ByteBuffer(string: stream), into: &events)
        return events.reduce(into: "") { text, event in if case .text(let more, _) = event { text += more } }
    }

    /// Wherever the placeholder is split over events, and events over reads.
    @Test("a placeholder in parts is put together", arguments: 1..<16, [1, 7, 1_000])
    func split(_ cut: Int, _ read: Int) async throws {
        let name = try await self.placeholder()
        let (first, second) = (String(name.prefix(cut)), String(name.dropFirst(cut)))
        let parts = [
            "to ", "mail " + first, second.isEmpty ? "" : second + " and [EMAIL", "_ nobody [", " or " + name + "[",
        ]
        let whole = parts.map(Self.chunk).joined() + Self.end
        let bytes = Array(whole.utf8)
        let chunks = stride(from: 0, to: bytes.count, by: read).map {
            String(decoding: bytes[$0..<min($0 + read, bytes.count)], as: UTF8.self)
        }
        let answer = try await self.layer(ScriptedProvider("p", [.stream(chunks)])).respond(
            to: try self.request(
                #"{"model":"m","stream":true,"messages":[{"role":"user","content":"joe@example.com"}]}"#),
            context: .testing())
        let got = try await self.read(answer)
        #expect(
            try self.text(of: got) == parts.joined().replacing(name, with: "joe@example.com"))
        #expect(got.hasSuffix(Self.end))
    }

    @Test("letter by letter, with others' events between")
    func letters() async throws {
        let name = try await self.placeholder()
        let other = #"data: {"id":"c","choices":[{"index":1,"delta":{"content":"b"}}]}"# + "\n\n"
        let chunks = ("x" + name + "y").map { Self.chunk(String($0)) + other }
        let answer = try await self.layer(ScriptedProvider("p", [.stream(chunks + [Self.end])])).respond(
            to: try self.request(
                #"{"model":"m","stream":true,"messages":[{"role":"user","content":"joe@example.com"}]}"#),
            context: .testing())
        let got = try await self.read(answer)
        #expect(got.contains("joe@example.com"))
        #expect(try self.text(of: got).filter { $0 != "b" } == "xjoe@example.comy".filter { $0 != "b" })
        #expect(try self.text(of: got).filter { $0 == "b" }.count == name.count + 2)
    }

    @Test("a stream with nothing to put back is the same bytes")
    func untouched() async throws {
        let chunks = [": hello\n\n", Self.chunk("a [EMAIL_ b [") + Self.chunk("]"), Self.end]
        let answer = try await self.layer(ScriptedProvider("p", [.stream(chunks)])).respond(
            to: try self.request(
                #"{"model":"m","stream":true,"messages":[{"role":"user","content":"joe@example.com"}]}"#),
            context: .testing())
        #expect(try await self.read(answer) == chunks.joined())
    }

    @Test("what is held goes out before the failure of a stream that breaks")
    func broken() async throws {
        let error = NeedletailError(.unreachable, "broke")
        let answer = try await self.layer(ScriptedProvider("p", [.broken([Self.chunk("a [EMA")], error)])).respond(
            to: try self.request(
                #"{"model":"m","stream":true,"messages":[{"role":"user","content":"joe@example.com"}]}"#),
            context: .testing())
        guard case .stream(let stream) = answer.body else { return }
        var got = ""
        await #expect(throws: NeedletailError.self) { for try await chunk in stream { got += String(buffer: chunk) } }
        #expect(got == Self.chunk("a [EMA"))
    }

    @Test("frames of Amazon's event stream are made anew with right checksums")
    func frames() async throws {
        let name = try await self.placeholder()
        var encoder = BedrockConverse.makeStreamEncoder(
            StreamEncoderOptions(includesUsage: false, model: "m", created: 0, replyID: "r"))
        var bytes = ByteBuffer()
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")), .text("to " + name.prefix(5), choice: 0),
            .text(name.dropFirst(5) + " ok", choice: 0), .finished(.endTurn, stopSequence: nil, choice: 0),
        ]
        for event in events { encoder.encode(event, into: &bytes) }
        encoder.finish(into: &bytes)
        let provider = BytesProvider(chunks: [bytes])
        let request = InferenceRequest(
            operation: .chat, model: "m", isStreaming: true,
            body: .wire(
                WireBody(
                    dialect: .bedrockConverse,
                    bytes: ByteBuffer(string: #"{"messages":[{"role":"user","content":[{"text":"joe@example.com"}]}]}"#)
                ),
                BodyLandmarks()), replyDialect: .bedrockConverse)
        let answer = try await self.layer(provider).respond(to: request, context: .testing())
        guard case .stream(let stream) = answer.body else { return }
        var decoder = BedrockConverse.makeStreamDecoder()
        var got: [ChatEvent] = []
        for try await chunk in stream { try decoder.decode(chunk, into: &got) }
        let text = got.reduce(into: "") { text, event in if case .text(let more, _) = event { text += more } }
        #expect(text == "to joe@example.com ok")
    }

    /// Whichever reads the frames come in: what stands before the wrong one, it, and what follows.
    @Test(
        "a stream with a frame that cannot be read is the same bytes, once", arguments: [1, 7, 100, 100_000], [0, 1])
    func unreadable(_ read: Int, _ after: Int) async throws {
        var encoder = BedrockConverse.makeStreamEncoder(
            StreamEncoderOptions(includesUsage: false, model: "m", created: 0, replyID: "r"))
        var good = ByteBuffer()
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")), .text("one", choice: 0), .text("two [EMA", choice: 0),
        ]
        for event in events { encoder.encode(event, into: &good) }
        var broken = Array(good.readableBytesView)
        broken[broken.count - 1] ^= 0xFF
        var whole = good
        whole.writeBytes(broken)
        for _ in 0..<after { whole.writeImmutableBuffer(good) }
        let request = InferenceRequest(
            operation: .chat, model: "m", isStreaming: true,
            body: .wire(
                WireBody(
                    dialect: .bedrockConverse,
                    bytes: ByteBuffer(string: #"{"messages":[{"role":"user","content":[{"text":"joe@example.com"}]}]}"#)
                ),
                BodyLandmarks()), replyDialect: .bedrockConverse)
        let provider = BytesProvider(chunks: whole.split(every: read))
        let answer = try await self.layer(provider).respond(to: request, context: .testing())
        guard case .stream(let stream) = answer.body else {
            Issue.record("it is no stream")
            return
        }
        var got = ByteBuffer()
        for try await chunk in stream { got.writeImmutableBuffer(chunk) }
        #expect(got == whole)
    }

    /// Streams bytes that are no text.
    private struct BytesProvider: Provider {
        let id: ProviderID = "bytes"
        let chunks: [ByteBuffer]

        func respond(
            to request: InferenceRequest, context: RequestContext
        ) async throws(NeedletailError) -> InferenceReply {
            InferenceReply(
                provider: self.id, model: "m",
                body: .stream(ReplyStream(dialect: .bedrockConverse, reader: Chunks(self.chunks))))
        }

        private final class Chunks: ReplyReader {
            private var chunks: ArraySlice<ByteBuffer>

            init(_ chunks: [ByteBuffer]) {
                self.chunks = chunks[...]
            }

            func next() async throws(NeedletailError) -> ByteBuffer? { self.chunks.popFirst() }
        }
    }
}
