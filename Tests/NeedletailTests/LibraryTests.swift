import NIOCore
import NIOPosix
import Needletail
import NeedletailTesting
import Testing

/// What an application does with `import Needletail`, over real sockets.
@Suite("The library over loopback", .timeLimit(.minutes(15)))
struct LibraryTests {
    static let group = MultiThreadedEventLoopGroup.singleton

    private static func provider(
        _ server: LoopbackServer,
        _ spec: ProviderSpec = .openAI,
        id: ProviderID? = nil,
        path: String = ""
    ) throws -> HTTPProvider {
        try HTTPProvider.connect(to: spec, id: id, apiKey: "sk-test", baseURL: server.url + path)
    }

    @Test(
        "a whole reply, in either dialect, with or without /v1",
        arguments: [DialectID.openAIChat, .anthropicMessages], ["", "/", "/v1", "/v1/"])
    func whole(_ dialect: DialectID, _ path: String) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in Replies.whole(dialect) }
        let spec: ProviderSpec = dialect == .openAIChat ? .openAI : .anthropic
        var request = ChatRequest(model: "m", messages: [.system("Be brief."), .user("Hello")])
        request.maxOutputTokens = 9
        let reply = try await ChatClient(Self.provider(server, spec, path: path)).chat(request)
        #expect(reply.text == "Hi there")
        #expect(reply.provider == ProviderID(spec.type))
        #expect(reply.usage?.inputTokens == 7 && reply.usage?.outputTokens == 2)
        #expect(reply.toolCalls.isEmpty && reply.losses.isEmpty)
        let sent = try #require(server.requests.first)
        #expect(sent.hasPrefix(dialect == .openAIChat ? "POST /v1/chat/completions " : "POST /v1/messages "))
        let key = dialect == .openAIChat ? "authorization: bearer sk-test" : "x-api-key: sk-test"
        #expect(sent.lowercased().contains(key))
        #expect(sent.contains("Be brief.") && !sent.contains(#""stream":true"#))
        await server.stop()
    }

    @Test("typed events, in order and whole", arguments: [DialectID.openAIChat, .anthropicMessages])
    func stream(_ dialect: DialectID) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in Replies.stream(dialect) }
        let spec: ProviderSpec = dialect == .openAIChat ? .openAI : .anthropic
        let stream = try await ChatClient(Self.provider(server, spec))
            .stream(ChatRequest(model: "m", messages: [.user("Hello")]))
        #expect(stream.provider == ProviderID(spec.type))
        var events: [ChatEvent] = []
        for try await event in stream { events.append(event) }
        if case .started(let start) = try #require(events.first) {
            #expect(start.model == "up")
        } else {
            Issue.record("the first event is \(events[0])")
        }
        var text = ""
        var usage: Usage?
        var finishes = 0
        for event in events {
            switch event {
            case .text(let more, choice: 0): text += more
            case .usage(let latest): usage = latest
            case .finished(let reason, _, choice: 0):
                finishes += 1
                #expect(reason == .endTurn)
            default: break
            }
        }
        #expect(text == "Hi there")
        #expect(usage?.inputTokens == 7 && usage?.outputTokens == 2)
        #expect(finishes == 1)
        await server.stop()
    }

    @Test("a tool's call and its result")
    func tools() async throws {
        let server = try await LoopbackServer(on: Self.group) { request in
            request.contains(#""role":"tool""#) ? Replies.whole(.openAIChat) : Replies.call
        }
        let client = ChatClient(try Self.provider(server))
        var request = ChatRequest(model: "m", messages: [.user("Weather?")])
        request.tools = [Tool(name: "weather", kind: .function(parameters: nil))]
        let first = try await client.chat(request)
        let call = try #require(first.toolCalls.first)
        #expect(call.name == "weather" && call.arguments == #"{"at":"sea"}"#)
        request.messages.append(ChatMessage(.assistant, first.response.choices[0].content))
        request.messages.append(.toolResult(call.id, "wet"))
        #expect(try await client.chat(request).text == "Hi there")
        #expect(server.requests.last?.contains(#""tool_call_id":"call_1""#) == true)
        await server.stop()
    }

    @Test("the second provider answers when the first fails, whole and streamed", arguments: [false, true])
    func failover(isStreamed: Bool) async throws {
        let broken = try await LoopbackServer(on: Self.group) { _ in
            .init(status: 500, type: "application/json", #"{"error":{"message":"down"}}"#)
        }
        let sound = try await LoopbackServer(on: Self.group) { _ in
            isStreamed ? Replies.stream(.anthropicMessages) : Replies.whole(.anthropicMessages)
        }
        let router = Router(
            id: "chat",
            targets: [
                Target(try Self.provider(broken), model: "one", priority: 1),
                Target(try Self.provider(sound, .anthropic, id: "spare"), model: "two", priority: 2),
            ],
            balancer: .priority, time: .live, random: .seeded(1))
        let client = ChatClient(ProviderStackBuilder(router).withDeadline(.seconds(20)).build())
        let request = ChatRequest(model: "chat", messages: [.user("Hello")])
        if isStreamed {
            let stream = try await client.stream(request)
            #expect(stream.provider == "spare")
            for try await _ in stream {}
        } else {
            #expect(try await client.chat(request).provider == "spare")
        }
        #expect(broken.requests.count == 1 && sound.requests.count == 1)
        #expect(broken.requests[0].contains(#""model":"one""#) && sound.requests[0].contains(#""model":"two""#))
        await broken.stop()
        await sound.stop()
    }

    @Test("what is lost is told, or refused where the request is strict")
    func losses() async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in Replies.whole(.anthropicMessages) }
        let client = ChatClient(try Self.provider(server, .anthropic))
        var request = ChatRequest(model: "m", messages: [.user("Hello")])
        request.seed = JSONText(7)
        #expect(try await client.chat(request).losses.map(\.field) == ["seed"])
        let refused = await #expect(throws: NeedletailError.self) { try await client.chat(request, isStrict: true) }
        #expect(refused?.code == .unsupported)
        #expect(server.requests.count == 1)
        await server.stop()
    }

    @Test(
        "errors say what went wrong and who failed",
        arguments: [
            (400, NeedletailError.Code.invalidRequest), (401, .credentialRejected), (404, .notFound),
            (429, .rateLimited), (500, .upstreamFailed), (503, .overloaded),
        ])
    func errors(_ status: Int, _ code: NeedletailError.Code) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in
            .init(status: status, type: "application/json", headers: ["retry-after: 3"], #"{"error":{"message":"no"}}"#)
        }
        let client = ChatClient(try Self.provider(server, id: "mine"))
        for isStreamed in [false, true] {
            let request = ChatRequest(model: "m", messages: [.user("Hello")])
            let error = await #expect(throws: NeedletailError.self) {
                if isStreamed { _ = try await client.stream(request) } else { _ = try await client.chat(request) }
            }
            #expect(error?.code == code)
            #expect(error?.provider == "mine")
            #expect(error?.retryAfter == .seconds(3))
        }
        await server.stop()
    }

    @Test("a stream that breaks throws after the events that came", arguments: DialectID.spelledOut)
    func cut(_ dialect: DialectID) async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in Replies.cut(dialect) }
        let spec: ProviderSpec = dialect == .openAIChat ? .openAI : .anthropic
        let stream = try await ChatClient(Self.provider(server, spec))
            .stream(ChatRequest(model: "m", messages: [.user("Hello")]))
        var text = ""
        let error = await #expect(throws: NeedletailError.self) {
            for try await event in stream { if case .text(let more, choice: 0) = event { text += more } }
        }
        #expect(error?.code == .unreachable)
        #expect(text.hasPrefix("Hi"))
        await server.stop()
    }

    @Test("a stream can be read once")
    func once() async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in Replies.stream(.openAIChat) }
        let stream = try await ChatClient(Self.provider(server))
            .stream(ChatRequest(model: "m", messages: [.user("Hello")]))
        for try await _ in stream {}
        let error = await #expect(throws: NeedletailError.self) { for try await _ in stream {} }
        #expect(error?.code == .internalFailure)
        await server.stop()
    }

    @Test("nobody there is .unreachable")
    func nobody() async throws {
        let nobody = RefusingPort()
        let client = ChatClient(
            try HTTPProvider.connect(to: .openAI, apiKey: "sk-test", baseURL: "http://127.0.0.1:\(nobody.port)"))
        let error = await #expect(throws: NeedletailError.self) {
            try await client.chat(ChatRequest(model: "m", messages: [.user("Hello")]))
        }
        #expect(error?.code == .unreachable)
    }

    @Test(
        "a URL that cannot be used is refused at once",
        arguments: ["", "example.com", "ftp://example.com", "http://", "http://user:secret@example.com"])
    func badURL(_ url: String) {
        let error = #expect(throws: NeedletailError.self) {
            try HTTPProvider.connect(to: .openAI, apiKey: nil, baseURL: url)
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("secret") == false)
    }

    @Test("a type without a place of its own asks for one")
    func noURL() {
        let error = #expect(throws: NeedletailError.self) {
            try HTTPProvider.connect(to: .openAICompatible, apiKey: nil)
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("base URL") == true)
    }
}
