import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

@testable import NeedletailGateway

/// Every pair of a client's and an upstream's dialect through the mock, which speaks each without the codecs that are
/// tested here.
@Suite("Mock upstream: every pair of dialects")
struct MockNativeTests {
    static let dialects: [DialectID] = [
        .openAIChat, .anthropicMessages, .ollamaChat, .ollamaGenerate, .cohereChat, .openAICompletions,
    ]

    private static func ask(
        _ request: ChatRequest, client: DialectID, upstream: DialectID
    ) async throws -> (reply: ChatResponse, account: MockStatistics) {
        let engine = MockEngine(script: MockScript())
        let provider = HTTPProvider(
            id: "mock", spec: .mock, options: .init(basePath: "", dialect: upstream),
            transport: MockTransport(engine: engine, time: jumpingTime().source), time: jumpingTime().source)
        var request = request
        request.source = nil
        var body = ByteBuffer()
        _ = try client.dialect.encodeRequest(request, into: &body)
        var asked = try RequestPeek.read(body, dialect: client, operation: .chat)
        asked.replyDialect = client
        let reply = try await provider.respond(to: asked, context: RequestContext.testing())
        switch reply.body {
        case .complete(let body, _): return (try client.dialect.decodeReply(body.bytes), engine.statistics)
        case .stream(let stream):
            var decoder = client.dialect.makeStreamDecoder()
            var events: [ChatEvent] = []
            for try await chunk in stream { try decoder.decode(chunk, into: &events) }
            try decoder.finish(into: &events)
            return (Self.gathered(events), engine.statistics)
        }
    }

    private static func gathered(_ events: [ChatEvent]) -> ChatResponse {
        var choice = ChatChoice()
        var text = ""
        var calls: [ToolCall] = []
        var usage: Usage?
        for event in events {
            switch event {
            case .text(let piece, _): text += piece
            case .toolCallStarted(_, let id, let name, _, _): calls.append(ToolCall(id: id, name: name, arguments: ""))
            case .toolCallArguments(let index, let fragment, _): calls[index].arguments += fragment
            case .finished(let reason, _, _): choice.stopReason = reason
            case .usage(let counted): usage = counted
            default: break
            }
        }
        if !text.isEmpty { choice.content.append(.text(TextPart(text))) }
        choice.content += calls.map { .toolCall($0) }
        return ChatResponse(id: "", model: "", choices: [choice], usage: usage)
    }

    @Test("A chat is answered, whole and streamed, with its usage", arguments: dialects, dialects)
    func chat(_ client: DialectID, _ upstream: DialectID) async throws {
        for isStreaming in [false, true] {
            var request = ChatRequest(model: "m", messages: [.user("Hello there")])
            request.maxOutputTokens = 1000
            request.isStreaming = isStreaming
            request.includesStreamUsage = true
            let (reply, statistics) = try await Self.ask(request, client: client, upstream: upstream)
            let label = "\(client) to \(upstream), streamed: \(isStreaming)"
            #expect(reply.text.contains("You said: Hello there."), "\(label)")
            #expect(reply.choices.first?.stopReason == .endTurn, "\(label)")
            let usage = try #require(reply.usage, "\(label)")
            #expect(usage.outputTokens > 5 && usage.inputTokens > 0, "\(label)")
            #expect(statistics.total.outputTokens == usage.outputTokens, "\(label)")
        }
    }

    @Test("A limit is honoured and told", arguments: dialects, dialects)
    func limit(_ client: DialectID, _ upstream: DialectID) async throws {
        var request = ChatRequest(model: "m", messages: [.user("Hello there")])
        request.maxOutputTokens = 3
        let (reply, _) = try await Self.ask(request, client: client, upstream: upstream)
        #expect(reply.choices.first?.stopReason == .maxTokens && reply.usage?.outputTokens == 3)
    }

    private static let toolDialects = dialects.filter { $0 != .ollamaGenerate && $0 != .openAICompletions }

    @Test("A demanded tool is called, where it can be demanded", arguments: toolDialects, toolDialects)
    func tools(_ client: DialectID, _ upstream: DialectID) async throws {
        guard client != .ollamaChat, upstream != .ollamaChat else { return }
        for isStreaming in [false, true] {
            var request = ChatRequest(model: "m", messages: [.user("x")])
            request.maxOutputTokens = 1000
            request.isStreaming = isStreaming
            let schema = #"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#
            request.tools = [Tool(name: "weather", kind: .function(parameters: JSONText(unchecked: schema)))]
            request.toolChoice = .tool("weather")
            let (reply, _) = try await Self.ask(request, client: client, upstream: upstream)
            #expect(reply.toolCalls.map(\.name) == ["weather"], "\(client) to \(upstream)")
            #expect(reply.toolCalls.first?.arguments.contains("city") == true)
            #expect(reply.choices.first?.stopReason == .toolCalls)
        }
    }

    @Test("Ollama's calls come as objects", arguments: [false, true])
    func ollamaCalls(_ isStreaming: Bool) async throws {
        var scripted = MockScriptedReply()
        scripted.toolCalls = [.init(name: "f", arguments: #"{"a":1}"#)]
        let engine = MockEngine(script: MockScript(rules: [MockRule(reply: scripted)]))
        let body = #"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":\#(isStreaming)}"#
        let reply = engine.reply(to: MockRequest(path: "/api/chat", body: ByteBuffer(string: body)))
        let bytes = ByteBuffer(string: Played(reply).text)
        if isStreaming {
            var decoder = OllamaChat.makeStreamDecoder()
            var events: [ChatEvent] = []
            try decoder.decode(bytes, into: &events)
            try decoder.finish(into: &events)
            #expect(Self.gathered(events).toolCalls.map(\.arguments) == [#"{"a":1}"#])
        } else {
            #expect(try OllamaChat.decodeReply(bytes).toolCalls.map(\.arguments) == [#"{"a":1}"#])
        }
    }

    @Test("A model is loaded without asking anybody", arguments: [DialectID.ollamaChat, .ollamaGenerate])
    func loading(_ client: DialectID) async throws {
        let engine = MockEngine(script: MockScript())
        let provider = HTTPProvider(
            id: "mock", spec: .mock, options: .init(basePath: "", dialect: .openAIChat),
            transport: MockTransport(engine: engine, time: jumpingTime().source), time: jumpingTime().source)
        let asked = try RequestPeek.read(ByteBuffer(string: #"{"model":"m"}"#), dialect: client, operation: .chat)
        let reply = try await provider.respond(to: asked, context: RequestContext.testing())
        guard case .complete(let body, _) = reply.body else {
            Issue.record("not whole")
            return
        }
        #expect(String(buffer: body.bytes).contains(#""done_reason":"load""#))
        #expect(engine.statistics.total.requests == 0)
    }

    @Test("Refusals have each dialect's shape", arguments: dialects)
    func refusals(_ dialect: DialectID) {
        let path = dialect.samplePath
        let reply = MockEngine().reply(to: MockRequest(path: path, body: ByteBuffer(string: "{}")))
        #expect(reply.status == 400)
        let error = dialect.dialect.decodeFailure(
            status: 400, headers: [:], body: reply.wholeBody ?? ByteBuffer())
        #expect(error.code == .invalidRequest && !error.message.contains("status"))
    }
}

extension DialectID {
    fileprivate var samplePath: String {
        switch self {
        case .openAIChat: "/v1/chat/completions"
        case .anthropicMessages: "/v1/messages"
        case .ollamaChat: "/api/chat"
        case .ollamaGenerate: "/api/generate"
        case .cohereChat: "/v2/chat"
        default: "/v1/completions"
        }
    }
}
