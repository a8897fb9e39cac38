import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("Mock transport and statistics")
struct MockTransportTests {
    private func transport(_ script: MockScript) -> (MockTransport, MockEngine, @Sendable () -> Instant) {
        let engine = MockEngine(script: script)
        let (time, now) = jumpingTime()
        return (MockTransport(engine: engine, time: time), engine, now)
    }

    private func request(stream: Bool, timeouts: Timeouts = Timeouts()) -> TransportRequest {
        let mock = MockDialectCase.openAI.request(stream: stream)
        return TransportRequest(path: mock.path, body: mock.body, timeouts: timeouts)
    }

    @Test("a reply read to its end counts as completed, with its usage", arguments: [false, true])
    func completed(stream: Bool) async throws {
        let (transport, engine, now) = self.transport(MockScript(usage: MockUsage(input: 12, output: 34)))
        let response = try await transport.send(self.request(stream: stream))
        #expect(response.status == 200)
        #expect(now() >= Instant(nanoseconds: 100_000_000) && now() <= Instant(nanoseconds: 200_000_000))
        let body = try await response.body.collect(upTo: 1 << 20)
        #expect(body.readableBytes > 0)
        var expected = MockStatistics.Counts()
        expected.requests = 1
        expected.completed = 1
        expected.inputTokens = 12
        expected.outputTokens = 34
        #expect(engine.statistics.total == expected)
        #expect(engine.statistics.counts(model: "mock-model") == expected)
        let json = try checkedJSON(engine.statistics.json())
        #expect(json["output_tokens"]?.int == 34)
        #expect(json["by_model"]?["mock-model"]?["input_tokens"]?.int == 12)
    }

    @Test("an abandoned stream counts what was sent")
    func aborted() async throws {
        var scripted = MockScriptedReply()
        scripted.chunks = 50
        let (transport, engine, _) = self.transport(MockScript(rules: [MockRule(reply: scripted)]))
        do {
            let response = try await transport.send(self.request(stream: true))
            for _ in 0..<4 { _ = try await response.body.next() }  // the preamble and three chunks
            response.body.cancel()
            #expect(try await response.body.next() == nil)
        }
        #expect(engine.statistics.total.aborted == 1)
        #expect(engine.statistics.total.completed == 0)
        #expect(engine.statistics.total.outputTokens == 3)
    }

    @Test("a token counts with its bytes, and not with the pause before them")
    func countsBytes() throws {
        let script = MockScript(delay: .zero, chunkDelay: .seconds(1))
        let request = MockDialectCase.openAI.request(stream: true)
        var steps = MockEngine(script: script).reply(to: request).steps
        var sent = 0
        var pauses = 0
        while let step = steps.next() {
            if case .wait = step {
                #expect(steps.progress.outputTokens == sent)
                pauses += 1
            }
            sent = steps.progress.outputTokens
        }
        #expect(pauses > 1 && sent >= pauses)
    }

    @Test("who stops at the end marker has completed the stream")
    func endMarker() async throws {
        let (transport, engine, _) = self.transport(MockScript())
        do {
            let response = try await transport.send(self.request(stream: true))
            while let chunk = try await response.body.next() {
                if String(buffer: chunk) == "data: [DONE]\n\n" { break }
            }
        }
        #expect(engine.statistics.total.completed == 1)
        #expect(engine.statistics.total.aborted == 0)
    }

    @Test(
        "faults become the errors that a network would give",
        arguments: [
            (MockFault(at: .connect, kind: .reset), "unreachable", false),
            (MockFault(at: .connect, kind: .stall), "timedOut", true),
            (MockFault(at: .headers, kind: .reset), "unreachable", true),
            (MockFault(at: .headers, kind: .stall), "timedOut", true),
            (MockFault(at: .headers, kind: .garbage), "malformedReply", true),
        ])
    func heads(fault: MockFault, code: String, processed: Bool) async throws {
        let (transport, engine, now) = self.transport(MockScript(delay: .zero, rules: [MockRule(fault: fault)]))
        let error = await #expect(throws: NeedletailError.self) {
            try await transport.send(self.request(stream: true, timeouts: Timeouts(connect: .seconds(3))))
        }
        #expect(error?.code.description == code)
        #expect(error?.mayHaveBeenProcessed == processed)
        #expect(engine.statistics.total.faults == 1)
        #expect(engine.statistics.total.inputTokens == 0)
        if fault.kind == .stall {
            #expect(now() == Instant(nanoseconds: fault.place == .connect ? 3_000_000_000 : 60_000_000_000))
        }
    }

    @Test("a broken body throws and is neither completed nor aborted", arguments: [MockFault.Kind.reset, .stall])
    func bodies(kind: MockFault.Kind) async throws {
        let fault = MockFault(at: .chunk(3), kind: kind)
        let (transport, engine, _) = self.transport(MockScript(rules: [MockRule(fault: fault)]))
        let response = try await transport.send(self.request(stream: true))
        let error = await #expect(throws: NeedletailError.self) { try await response.body.collect(upTo: 1 << 20) }
        #expect(error?.code == (kind == .reset ? .unreachable : .timedOut))
        let total = engine.statistics.total
        #expect((total.faults, total.completed, total.aborted, total.outputTokens) == (1, 0, 0, 2))
    }

    @Test("counters are exact under concurrency")
    func concurrency() async throws {
        let engine = MockEngine(script: MockScript(usage: MockUsage(input: 2, output: 3)))
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let transport = MockTransport(engine: engine, time: jumpingTime().source)
                    let mock = MockDialectCase.anthropic.request(stream: index.isMultiple(of: 2))
                    let request = TransportRequest(path: mock.path, body: mock.body)
                    _ = try? await transport.send(request).body.collect(upTo: 1 << 20)
                }
            }
        }
        let total = engine.statistics.total
        #expect((total.requests, total.completed, total.inputTokens, total.outputTokens) == (200, 200, 400, 600))
    }
}

@Suite("Mock parts")
struct MockPartsTests {
    @Test(
        "a schema is filled",
        arguments: [
            (
                #"{"type":"object","properties":{"a":{"enum":["x","y"]},"b":{"type":"integer","minimum":5}},"required":["a","b"]}"#,
                #"{"a":"x","b":5}"#
            ),
            (
                ##"{"$defs":{"n":{"type":"object","properties":{"v":{"const":1}},"required":["v"]}},"type":"array","items":{"$ref":"#/$defs/n"},"minItems":2}"##,
                #"[{"v":1},{"v":1}]"#
            ),
            (#"{"anyOf":[{"type":"null"},{"type":"boolean"}]}"#, "true"),
            (#"{"type":["null","number"],"exclusiveMinimum":2}"#, "3"),
            (#"{"type":"string","format":"date"}"#, #""2025-01-02""#),
            (#"{"type":"string","maxLength":3}"#, #""moc""#),
            (#"{"type":"object","properties":{"o":{"type":"string"}},"required":[]}"#, "{}"),
            (
                #"{"allOf":[{"type":"object","properties":{"a":{"type":"boolean"}}},{"required":["a"]}]}"#,
                #"{"a":true}"#
            ),
        ])
    func schemas(schema: String, expected: String) throws {
        #expect(MockSchemaFiller.fill(try JSONDocument(ByteBuffer(string: schema)).root) == expected)
    }

    @Test(
        "schemas without end still give JSON",
        arguments: [
            ##"{"$ref":"#"}"##, ##"{"type":"object","properties":{"n":{"$ref":"#"}},"required":["n"]}"##,
            ##"{"type":"array","items":{"$ref":"#"},"minItems":1}"##,
            ##"{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["n"]}"##,
        ])
    func recursion(schema: String) throws {
        let filled = MockSchemaFiller.fill(try JSONDocument(ByteBuffer(string: schema)).root)
        _ = try JSONDocument(ByteBuffer(string: filled))
        #expect(filled.utf8.count < 10_000)
    }

    @Test(
        "schemas that grow with every level end, and stay small",
        .timeLimit(.minutes(15)),
        arguments: [
            // Two of its own kind in each.
            ##"{"$defs":{"expr":{"anyOf":[{"$ref":"#/$defs/add"},{"$ref":"#/$defs/num"}]},"num":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]},"add":{"type":"object","properties":{"left":{"$ref":"#/$defs/expr"},"right":{"$ref":"#/$defs/expr"}},"required":["left","right"]}},"$ref":"#/$defs/expr"}"##,
            // No way out at all.
            ##"{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"}},"required":["a","b"]}"##,
            ##"{"type":"array","items":{"$ref":"#"},"minItems":64}"##,
            // Many schemas for one value.
            ##"{"allOf":[{"$ref":"#"},{"$ref":"#"},{"type":"boolean"}]}"##,
            ##"{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},"b":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#"}]}},"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]}"##,
            ##"{"type":"array","minItems":64,"items":{"type":"array","minItems":64,"items":{"type":"string","minLength":65536}}}"##,
        ])
    func explosion(schema: String) throws {
        let filled = MockSchemaFiller.fill(try JSONDocument(ByteBuffer(string: schema)).root)
        _ = try JSONDocument(ByteBuffer(string: filled))
        #expect(filled.utf8.count < 2 << 20)
    }

    @Test("deep down a recursive schema takes the way out, and is valid")
    func wayOut() throws {
        let schema =
            ##"{"anyOf":[{"type":"object","properties":{"left":{"$ref":"#"},"right":{"$ref":"#"}},"required":["left","right"]},{"type":"integer"}]}"##
        var expected = "1"
        for _ in 0..<4 { expected = #"{"left":\#(expected),"right":\#(expected)}"# }
        #expect(MockSchemaFiller.fill(try JSONDocument(ByteBuffer(string: schema)).root) == expected)
    }

    @Test(
        "globs",
        arguments: [
            ("gpt-*", "gpt-4o", true), ("*", "", true), ("gpt-?", "gpt-", false), ("*/chat/*", "/v1/chat/x", true),
            ("a*b*c", "aXbYc", true), ("a*b*c", "aXbY", false), ("", "", true), ("", "a", false),
        ])
    func globs(pattern: String, text: String, matches: Bool) {
        #expect(MockGlob.matches(pattern, text) == matches)
    }

    @Test("fragments make up the text, whatever their number", arguments: 1..<40)
    func fragments(count: Int) {
        let text = "Ein Text mit Wörtern, 👩‍👩‍👧‍👦 und \"Zeichen\"."
        let mock = MockText(text, fragments: count)
        #expect((0..<mock.fragmentCount).map { mock.fragment($0) }.joined() == text)
        #expect(mock.fragmentCount == min(count, text.count))
        #expect(mock.tokens(through: mock.fragmentCount - 1) == mock.tokenCount)
    }

    @Test("raw streams are cut at events, everything else where the script says")
    func rawPieces() {
        let sse = MockScriptedReply.RawBody(
            bytes: ByteBuffer(string: "data: a\r\n\r\nevent: b\ndata: c\n\ndata: d"), contentType: "text/event-stream")
        #expect(
            MockRawPieces.split(sse, chunks: nil).map { String(buffer: $0) }
                == ["data: a\r\n\r\n", "event: b\ndata: c\n\n", "data: d"])
        let json = MockScriptedReply.RawBody(bytes: ByteBuffer(string: "0123456789"), contentType: "application/json")
        #expect(MockRawPieces.split(json, chunks: 3).map { String(buffer: $0) } == ["0123", "456", "789"])
    }
}
