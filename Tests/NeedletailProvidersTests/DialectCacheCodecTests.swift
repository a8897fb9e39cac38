import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("The reply cache: dialects")
struct DialectCacheCodecTests {
    private static let codec = DialectCacheCodec()

    private static func request(
        _ chat: ChatRequest, _ dialect: DialectID? = nil, stream: Bool = false
    )
        -> InferenceRequest
    {
        InferenceRequest(
            operation: .chat, model: chat.model, isStreaming: stream, body: .model(chat), replyDialect: dialect)
    }

    private static func wire(_ text: String, _ dialect: DialectID) throws -> InferenceRequest {
        try RequestPeek.read(ByteBuffer(string: text), dialect: dialect, operation: .chat)
    }

    @Test("a change of any field is another request", arguments: ModelField.allCases)
    func fields(_ field: ModelField) {
        guard let sample = RequestSample.all[field] else { return }
        let plain = RequestSample.plain(.openAIChat)
        var changed = plain
        sample.set(&changed)
        guard changed != plain else { return }
        let one = Self.codec.content(of: Self.request(plain))
        let other = Self.codec.content(of: Self.request(changed))
        #expect(one != other, "\(field)")
    }

    @Test("a change of any field has other canonical bytes, and no change has the same", arguments: ModelField.allCases)
    func canonical(_ field: ModelField) throws {
        func bytes(_ chat: ChatRequest) throws -> ByteBuffer {
            var out = ByteBuffer()
            CanonicalBytes.write(try #require(Self.codec.content(of: Self.request(chat))), into: &out)
            return out
        }
        guard let sample = RequestSample.all[field] else { return }
        let plain = RequestSample.plain(.openAIChat)
        var changed = plain
        sample.set(&changed)
        #expect(try bytes(plain) == bytes(RequestSample.plain(.openAIChat)))
        guard changed != plain else { return }
        #expect(try bytes(plain) != bytes(changed), "\(field)")
    }

    @Test(
        "a change of any byte that means something is another request",
        arguments: [
            (#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, false),
            (#"{ "messages": [{"content":"hi","role":"user"}], "model":"m"}"#, true),
            (#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#, true),
            (
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#,
                true
            ),
            (#"{"model":"m","messages":[{"role":"user","content":"hi "}]}"#, false),
            (#"{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0}"#, false),
            (#"{"model":"m","messages":[{"role":"user","content":"hi"}],"never_heard_of":1}"#, false),
            (#"{"model":"m2","messages":[{"role":"user","content":"hi"}]}"#, false),
        ])
    func bytes(_ text: String, _ isEqual: Bool) throws {
        let base = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
        guard text != base else { return }
        let one = Self.codec.content(of: try Self.wire(base, .openAIChat))
        #expect(one != nil)
        #expect((one == Self.codec.content(of: try Self.wire(text, .openAIChat))) == isEqual)
    }

    @Test("the same question in two dialects is one")
    func dialects() throws {
        let chat = #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#
        let message =
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#
        #expect(
            Self.codec.content(of: try Self.wire(chat, .openAIChat))
                == Self.codec.content(of: try Self.wire(message, .anthropicMessages)))
    }

    @Test(
        "what the provider is to store is not cached",
        arguments: [
            (#"{"model":"m","input":"hi"}"#, DialectID.openAIResponses, false),
            (#"{"model":"m","input":"hi","store":false}"#, .openAIResponses, true),
            (#"{"model":"m","store":true,"messages":[{"role":"user","content":"hi"}]}"#, .openAIChat, false),
            (#"{"model":"m","store":false,"messages":[{"role":"user","content":"hi"}]}"#, .openAIChat, true),
        ])
    func stored(_ text: String, _ dialect: DialectID, _ isCached: Bool) throws {
        #expect((Self.codec.content(of: try Self.wire(text, dialect)) != nil) == isCached)
    }

    // MARK: Replays

    private static func answer() -> ChatResponse {
        var choice = ChatChoice(
            content: [
                .text(TextPart("Hello, wörld.")),
                .toolCall(ToolCall(id: "call_1", name: "look", arguments: #"{"at":"sky"}"#)),
            ], stopReason: .toolCalls)
        choice.index = 0
        return ChatResponse(
            id: "reply-1", model: "m-1", choices: [choice], usage: Usage(inputTokens: 12, outputTokens: 34))
    }

    private static func kept(_ dialect: DialectID, stream: Bool) throws -> CachedReply {
        var bytes = ByteBuffer()
        if stream {
            var options = StreamEncoderOptions(includesUsage: true, model: "m-1", created: 1, replyID: "reply-1")
            options.source = dialect
            var encoder = dialect.dialect.makeStreamEncoder(options)
            for event in try #require(Self.answer().events()) { encoder.encode(event, into: &bytes) }
            encoder.finish(into: &bytes)
        } else {
            _ = try dialect.dialect.encodeReply(Self.answer(), created: 1, into: &bytes)
        }
        var reply = CachedReply(
            InferenceReply(
                provider: "up", model: "m-1", body: .complete(WireBody(dialect: dialect, bytes: bytes), nil)),
            includesUsage: true, created: 1)
        reply.dialect = dialect
        reply.isStream = stream
        reply.bytes = bytes
        reply.usage = Self.answer().usage
        return reply
    }

    /// Dialects whose replies have tool calls.
    private static let talkers = DialectID.allCases.filter { $0 != .ollamaGenerate && $0 != .openAICompletions }

    @Test("a kept reply says the same in every dialect and mode", arguments: talkers, talkers)
    func replay(_ source: DialectID, _ target: DialectID) throws {
        for (fromStream, toStream) in [(false, false), (false, true), (true, false), (true, true)] {
            let kept = try Self.kept(source, stream: fromStream)
            var chat = ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])
            chat.includesStreamUsage = true
            let request = Self.request(chat, target, stream: toStream)
            let content = try #require(Self.codec.content(of: request))
            let replay = try #require(
                Self.codec.replay(kept, of: content, for: request, id: "r"),
                "\(source) \(fromStream) \(target) \(toStream)")
            #expect(replay.body.dialect == target)
            let answer: ChatResponse
            if toStream {
                #expect(Self.codec.isWhole(replay.body.bytes, target))
                var decoder = target.dialect.makeStreamDecoder()
                var events: [ChatEvent] = []
                try decoder.decode(replay.body.bytes, into: &events)
                if !decoder.isComplete { try decoder.finish(into: &events) }
                var assembler = ChatResponseAssembler()
                for event in events { assembler.add(event) }
                answer = assembler.assembled()
            } else {
                answer = try target.dialect.decodeReply(replay.body.bytes)
            }
            let name = "\(source) stream \(fromStream) to \(target) stream \(toStream)"
            #expect(answer.text == "Hello, wörld.", "\(name)")
            #expect(answer.toolCalls.map(\.name) == ["look"], "\(name)")
            #expect(
                try answer.toolCalls.map { try JSONText($0.arguments).view()["at"]?.string } == ["sky"], "\(name)")
            #expect(answer.choices.first?.stopReason == .toolCalls, "\(name)")
            #expect(answer.usage?.inputTokens == 12, "\(name)")
            #expect(answer.usage?.outputTokens == 34, "\(name)")
        }
    }

    @Test("the same dialect and mode gets the same bytes", arguments: DialectID.allCases, [false, true])
    func verbatim(_ dialect: DialectID, _ isStream: Bool) throws {
        let kept = try Self.kept(dialect, stream: isStream)
        var chat = ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])
        chat.includesStreamUsage = true
        let request = Self.request(chat, dialect, stream: isStream)
        let content = try #require(Self.codec.content(of: request))
        #expect(Self.codec.replay(kept, of: content, for: request, id: "r")?.body.bytes == kept.bytes)
    }

    @Test("a stream that was cut is not whole", arguments: DialectID.allCases)
    func cut(_ dialect: DialectID) throws {
        let kept = try Self.kept(dialect, stream: true)
        let half = try #require(kept.bytes.getSlice(at: 0, length: kept.bytes.readableBytes / 2))
        #expect(Self.codec.isWhole(kept.bytes, dialect))
        #expect(!Self.codec.isWhole(half, dialect))
    }

    @Test("a reply, told in events, is put together as it was", arguments: 0..<60)
    func assembler(_ seed: Int) throws {
        let random = RandomSource.seeded(UInt64(seed))
        var reply = ReplySample.plain(.openAIChat)
        let fields = ModelField.reply.sorted { $0.rawValue < $1.rawValue }
        // Each once: two samples of choices would share an index.
        let chosen = Set((0..<3).map { _ in fields[Int(random.next() % UInt64(fields.count))] })
        for field in fields where chosen.contains(field) { ReplySample.all[field]?.set(&reply) }
        reply.extensions = []
        reply.usesLegacyFunctions = false
        guard let events = reply.events() else { return }
        var assembler = ChatResponseAssembler()
        for event in events { assembler.add(event) }
        guard !assembler.isLossy else { return }
        var again = assembler.assembled()
        again.source = reply.source
        for index in reply.choices.indices where reply.choices[index].stopReason == nil {
            again.choices[index].stopReason = nil
        }
        #expect(again == reply, "seed \(seed)")
    }
}
