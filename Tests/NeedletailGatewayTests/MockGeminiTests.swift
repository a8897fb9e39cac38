import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@testable import NeedletailGateway

@Suite("Mock: Gemini")
struct MockGeminiTests {
    private static func request(
        _ method: String, _ members: String = "", text: String = "Hello there", key: String = "k"
    ) -> MockRequest {
        let body =
            #"{"contents":[{"role":"user","parts":[{"text":"\#(text)"}]}]\#(members.isEmpty ? "" : "," + members)}"#
        var headers = HTTPFields()
        headers[.xGoogAPIKey] = key
        return MockRequest(
            path: "/v1beta/models/mock-model:\(method)", headers: headers, body: ByteBuffer(string: body))
    }

    private static let tools =
        #""tools":[{"functionDeclarations":[{"name":"weather","parametersJsonSchema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}"#

    @Test("A whole answer is read by the codec: text, calls, thoughts, usage")
    func whole() throws {
        let engine = MockEngine()
        let plain = try Gemini.decodeReply(try #require(engine.reply(to: Self.request("generateContent")).wholeBody))
        #expect(plain.text.contains("Hello there") && plain.model == "mock-model")
        #expect(plain.choices[0].stopReason == .endTurn && (plain.usage?.outputTokens ?? 0) > 0)
        let called = engine.reply(to: Self.request("generateContent", Self.tools))
        let calls = try Gemini.decodeReply(try #require(called.wholeBody)).toolCalls
        #expect(calls.map(\.name) == ["weather"])
        #expect(try JSONText(calls[0].arguments).view()["city"]?.string != nil)
        let config = #""generationConfig":{"thinkingConfig":{"includeThoughts":true}}"#
        let thought = engine.reply(to: Self.request("generateContent", config))
        let reply = try Gemini.decodeReply(try #require(thought.wholeBody))
        #expect(reply.choices[0].content.contains { if case .reasoning = $0 { true } else { false } })
    }

    @Test("A stream is read by the codec and says what the whole answer says", arguments: ["", tools])
    func stream(_ members: String) throws {
        let played = Played(MockEngine().reply(to: Self.request("streamGenerateContent", members)))
        var decoder = Gemini.makeStreamDecoder()
        var events: [ChatEvent] = []
        for chunk in played.chunks { try decoder.decode(chunk, into: &events) }
        try decoder.finish(into: &events)
        var text = ""
        var arguments = ""
        for event in events {
            if case .text(let piece, _) = event { text += piece }
            if case .toolCallArguments(_, let piece, _) = event { arguments += piece }
        }
        let hasCall = !members.isEmpty
        #expect(hasCall ? (try JSONText(arguments).view()["city"]?.string) != nil : text.contains("Hello there"))
        #expect(events.last == .finished(hasCall ? .toolCalls : .endTurn, stopSequence: nil, choice: 0))
    }

    @Test("Counts, models and refusals have Google's form")
    func others() throws {
        let engine = MockEngine(script: MockScript(models: ["a"]))
        let count = try engine.reply(to: Self.request("countTokens")).json()
        #expect((count["totalTokens"]?.int ?? 0) > 0)
        let list = try engine.reply(to: MockRequest(method: "GET", path: "/v1beta/models?pageSize=9")).json()
        #expect(list["models"]?.elements.first { _ in true }?["name"]?.string == "models/a")
        let refused = engine.reply(
            to: MockRequest(path: "/v1beta/models/m:generateContent", body: ByteBuffer(string: "{}")))
        #expect(refused.status == 400)
        #expect(try refused.json()["error"]?["status"]?.string == "INVALID_ARGUMENT")
    }

    @Test("Rules match the model and the streaming that the path tells")
    func rules() throws {
        var match = MockMatch()
        match.model = "mock-*"
        match.isStreaming = true
        var answer = MockScriptedReply()
        answer.text = "scripted"
        let engine = MockEngine(script: MockScript(rules: [MockRule(match: match, reply: answer)]))
        #expect(Played(engine.reply(to: Self.request("streamGenerateContent"))).text.contains("scripted"))
        let whole = try #require(engine.reply(to: Self.request("generateContent")).wholeBody)
        #expect(!String(buffer: whole).contains("scripted"))
    }
}
