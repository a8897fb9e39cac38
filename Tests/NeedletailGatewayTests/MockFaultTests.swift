import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("Mock faults")
struct MockFaultTests {
    static let places: [MockFault.Place] = [
        .connect, .headers, .firstEvent, .chunk(1), .chunk(3), .toolArguments, .thinking, .beforeUsage, .beforeDone,
    ]

    struct Case: Sendable, CustomTestStringConvertible {
        var dialect: MockDialectCase
        var place: MockFault.Place
        var kind: MockFault.Kind
        var testDescription: String { "\(self.dialect) \(self.place) \(self.kind)" }
        static let all = MockDialectCase.allCases.flatMap { dialect in
            MockFaultTests.places.flatMap { place in
                MockFault.Kind.allCases.map { Case(dialect: dialect, place: place, kind: $0) }
            }
        }
    }

    private static func reply(_ test: Case, stream: Bool, for duration: Duration? = nil) -> (MockReply, MockReply) {
        let fault = MockFault(at: test.place, kind: test.kind, for: duration)
        let script = MockScript(seed: 3, delay: .zero, rules: [MockRule(fault: fault)])
        let clean = MockScript(seed: 3, delay: .zero)
        var members = test.place == .thinking ? test.dialect.thinking : ""
        if test.place == .toolArguments { members = test.dialect.tools + "," + test.dialect.demand }
        let request = test.dialect.request(members, stream: stream)
        return (MockEngine(script: script).reply(to: request), MockEngine(script: clean).reply(to: request))
    }

    @Test("each fault of a stream is exactly the documented steps", arguments: Case.all)
    func stream(test: Case) throws {
        let (reply, clean) = Self.reply(test, stream: true, for: test.kind == .slow ? .seconds(2) : nil)
        let good = Played(clean).steps
        if test.place == .connect || test.place == .headers {
            try Self.checkHead(reply, test, good)
            return
        }
        #expect(reply.leadIn.isEmpty && reply.status == 200)
        let played = Played(reply)
        let index = try #require(
            good.indices.first { !played.steps.indices.contains($0) || played.steps[$0] != good[$0] })
        #expect(index == Self.position(of: test.place, in: good, test.dialect))
        let rest = Array(played.steps[index...])
        switch test.kind {
        case .reset: #expect(rest == [.reset])
        case .stall: #expect(rest == [.stall])
        case .garbage:
            guard case .bytes(let garbage)? = rest.first else {
                Issue.record("no garbage")
                return
            }
            #expect(throws: (any Error).self) { try Played.data(garbage) }
            #expect(Array(rest.dropFirst()) == Array(good[index...]))
        case .errorEvent:
            #expect(rest.count == 2 && rest.last == .end)
            guard case .bytes(let bytes)? = rest.first else { return }
            #expect(try Played.data(bytes)["error"]?["message"]?.string != nil)
        case .slow: #expect(rest == [.wait(.seconds(2))] + good[index...])
        }
        #expect(played.progress.hasFaulted)
        #expect(played.progress.isCutShort == test.kind.isFinal)
    }

    private static func checkHead(_ reply: MockReply, _ test: Case, _ good: [MockStep]) throws {
        #expect(reply.leadInProgress.hasFaulted)
        #expect(reply.isConnectFault == (test.place == .connect && test.kind != .errorEvent))
        switch test.kind {
        case .reset: #expect(reply.leadIn == [.reset])
        case .stall: #expect(reply.leadIn == [.stall])
        case .garbage: #expect(reply.leadIn == [.garbledHead])
        case .slow:
            #expect(reply.leadIn == [.wait(.seconds(2))])
            #expect(Played(reply).steps == good)
        case .errorEvent:
            #expect(reply.status >= 500)
            #expect(try reply.json()["error"] != nil)
        }
    }

    /// Where the fault must strike, found in the bytes and not by the engine's own notion.
    private static func position(of place: MockFault.Place, in steps: [MockStep], _ dialect: MockDialectCase) -> Int? {
        let texts = steps.map { step in if case .bytes(let bytes) = step { String(buffer: bytes) } else { "" } }
        let isOpenAI = dialect == .openAI
        func places(_ openAI: String, _ anthropic: String) -> [Int] {
            texts.indices.filter { texts[$0].contains(isOpenAI ? openAI : anthropic) }
        }
        switch place {
        case .connect, .headers: return nil
        case .firstEvent: return 0
        case .chunk(let number):
            let content = places("\"delta\":{\"content\"", "text_delta").filter { !texts[$0].contains("\"role\"") }
            return content[number - 1]
        case .toolArguments:
            return places("\"function\":{\"arguments\":\"", "input_json_delta")
                .filter { !texts[$0].contains("content_block_start") }[1]
        case .thinking: return places("reasoning_content", "thinking_delta")[1]
        case .beforeUsage: return places("\"choices\":[],\"usage\":{", "message_delta").first
        case .beforeDone: return places("[DONE]", "message_stop").first
        }
    }

    @Test("each fault of a whole answer strikes in its place", arguments: Case.all)
    func whole(test: Case) throws {
        let (reply, clean) = Self.reply(test, stream: false)
        guard test.place != .connect, test.place != .headers else { return }
        let good = String(buffer: try #require(clean.wholeBody))
        #expect(reply.wholeBody == nil)
        let played = Played(reply)
        switch test.kind {
        case .reset, .stall:
            #expect(played.steps.last == (test.kind == .reset ? .reset : .stall))
            #expect(good.hasPrefix(played.text) && played.text.utf8.count < good.utf8.count)
            #expect(played.text.isEmpty == (test.place == .firstEvent))
        case .garbage:
            #expect(throws: (any Error).self) { try JSONDocument(ByteBuffer(string: played.text)) }
            #expect(played.steps.last == .end)
        case .errorEvent:
            #expect(played.steps.last == .end)
            #expect(played.text.contains("\"error\""))
        case .slow:
            #expect(played.text == good)
            #expect(played.steps.contains(.wait(.seconds(1))))
        }
    }

    @Test("a stall with a duration ends in a break")
    func stallFor() throws {
        let test = Case(dialect: .openAI, place: .chunk(3), kind: .stall)
        let (reply, _) = Self.reply(test, stream: true, for: .seconds(2))
        #expect(Played(reply).steps.suffix(2) == [.wait(.seconds(2)), .reset])
    }

    @Test("a fault inside tools or reasoning makes the answer have some", arguments: MockDialectCase.allCases)
    func unasked(dialect: MockDialectCase) throws {
        for place in [MockFault.Place.toolArguments, .thinking] {
            let script = MockScript(rules: [MockRule(fault: MockFault(at: place, kind: .reset))])
            let reply = MockEngine(script: script).reply(to: dialect.request(stream: true))
            #expect(Played(reply).progress.hasFaulted)
        }
    }

    @Test("rules: first match wins, nth and every count from 1, globs hold")
    func rules() throws {
        func rule(_ status: Int, _ change: (inout MockMatch) -> Void) -> MockRule {
            var match = MockMatch()
            change(&match)
            var reply = MockScriptedReply()
            reply.status = status
            return MockRule(match: match, reply: reply)
        }
        let script = MockScript(rules: [
            rule(429) { $0.nth = 2 },
            rule(500) { $0.model = "other-*" },
            rule(503) {
                $0.path = "*/chat/completions"
                $0.every = 2
            },
        ])
        let engine = MockEngine(script: script)
        let request = MockDialectCase.openAI.request()
        // Requests that an earlier rule took do not count for a later one.
        #expect((0..<5).map { _ in engine.reply(to: request).status } == [200, 429, 503, 200, 503])
        engine.reset()
        #expect((0..<2).map { _ in engine.reply(to: request).status } == [200, 429])
        #expect(engine.reply(to: MockRequest(method: "GET", path: "/v1/models")).status == 200)
    }

    @Test("an error has the dialect's shape and the script's headers", arguments: MockDialectCase.allCases)
    func errors(dialect: MockDialectCase) throws {
        var scripted = MockScriptedReply()
        scripted.status = 429
        scripted.text = "slow down"
        scripted.headers[.retryAfter] = "2"
        let reply = MockEngine(script: MockScript(rules: [MockRule(reply: scripted)])).reply(to: dialect.request())
        let error = try #require(reply.json()["error"])
        #expect(reply.status == 429 && reply.headers[.retryAfter] == "2")
        #expect(error["message"]?.string == "slow down")
        #expect(error["type"]?.string == (dialect == .openAI ? "requests" : "rate_limit_error"))
    }
}

extension Played {
    /// The JSON of one event.
    static func data(_ bytes: ByteBuffer) throws -> JSONView {
        var decoder = SSEDecoder()
        decoder.feed(bytes)
        let event = try #require(try decoder.next())
        return try JSONDocument(event.data).root
    }
}
