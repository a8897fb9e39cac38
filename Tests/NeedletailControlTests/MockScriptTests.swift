import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailGateway
import Testing

@testable import NeedletailControl

@Suite("Mock script")
struct MockScriptTests {
    private func read(_ yaml: String, _ fixtures: [String: String] = [:]) throws(ConfigurationError) -> MockScript {
        let files = ConfigurationFiles { path, _ throws(ConfigurationFiles.Failure) in
            guard let text = fixtures[path] else { throw .missing }
            return text
        }
        return try MockScript(yaml: yaml, file: "dir/s.yaml", environment: ["NAME": "value"], files: files)
    }

    @Test("the contract's example is read to the letter")
    func example() throws {
        let script = try self.read(
            """
            seed: 42
            usage: { input: 12, output: 34 }             # ground truth where a rule gives none
            rules:                                       # first match wins; nth counts matches from 1
              - match: { path: /v1/chat/completions, model: "gpt-*", nth: 3 }
                reply: { status: 200, headers: { retry-after: "2" }, text: "hi", reasoning: "hm",
                         tool_calls: [ { name: f, arguments: { city: Bonn, days: 3, ok: true, zip: "053" } } ],
                         delay: 20ms, chunk_delay: 5ms, chunks: 20 }
                fault: { at: chunk 7, kind: stall, for: 2s }
              - reply: { status: 500, body: { error: { code: null, n: [1.50, -2] } } }
              - reply: { fixture: a.sse }
            """, ["dir/a.sse": "data: x\n\n"])
        #expect(script.seed == 42)
        #expect(script.usage == MockUsage(input: 12, output: 34))
        let rule = try #require(script.rules.first)
        #expect(rule.match.path == "/v1/chat/completions" && rule.match.model == "gpt-*" && rule.match.nth == 3)
        #expect(rule.reply.headers[.retryAfter] == "2")
        #expect(rule.reply.toolCalls.first?.arguments == #"{"city":"Bonn","days":3,"ok":true,"zip":"053"}"#)
        #expect(rule.reply.delay == .milliseconds(20) && rule.reply.chunkDelay == .milliseconds(5))
        #expect(rule.reply.chunks == 20 && rule.reply.text == "hi" && rule.reply.reasoning == "hm")
        #expect(rule.fault == MockFault(at: .chunk(7), kind: .stall, for: .seconds(2)))
        #expect(script.rules[1].reply.raw?.bytes == ByteBuffer(string: #"{"error":{"code":null,"n":[1.50,-2]}}"#))
        #expect(script.rules[2].reply.raw?.contentType == "text/event-stream; charset=utf-8")
        #expect(script.rules[2].reply.raw?.bytes == ByteBuffer(string: "data: x\n\n"))
    }

    @Test(
        "every place and kind of a fault",
        arguments: [
            ("connect", MockFault.Place.connect), ("headers", .headers), ("first_event", .firstEvent),
            ("chunk 12", .chunk(12)), ("tool_arguments", .toolArguments), ("thinking", .thinking),
            ("before_usage", .beforeUsage), ("before_done", .beforeDone),
        ], MockFault.Kind.allCases)
    func faults(place: (String, MockFault.Place), kind: MockFault.Kind) throws {
        let script = try self.read("rules: [ { fault: { at: \(place.0), kind: \(kind.rawValue) } } ]")
        #expect(script.rules.first?.fault == MockFault(at: place.1, kind: kind))
    }

    @Test("what is empty is the default script", arguments: ["", "\n  \n", "# nothing\n"])
    func empty(yaml: String) throws {
        #expect(try self.read(yaml) == MockScript())
    }

    @Test(
        "what is wrong is said with its place",
        arguments: [
            ("sed: 1", "dir/s.yaml:1:1", "seed"),
            ("rules:\n  - mtch: { nth: 1 }", "dir/s.yaml:2:5", "match"),
            ("rules:\n  - match: { nth: 0 }", "dir/s.yaml:2:19", "nth"),
            ("rules:\n  - fault: { at: chunk 0, kind: reset }", "dir/s.yaml:2:18", "chunk"),
            ("rules:\n  - fault: { at: chunk, kind: reset }", "dir/s.yaml:2:18", "chunk"),
            ("rules:\n  - fault: { kind: reset }", "dir/s.yaml:2:12", "at"),
            ("rules:\n  - fault: { at: connect, kind: rset }", "dir/s.yaml:2:33", "reset"),
            ("delay: 20", "dir/s.yaml:1:8", "20s"),
            ("rules:\n  - reply: { fixture: b.json }", "dir/s.yaml:2:23", "no such file"),
            ("rules:\n  - reply: { body: {}, text: x }", "dir/s.yaml:2:14", "text"),
            ("rules:\n  - reply: { tool_calls: [ { arguments: {} } ] }", "dir/s.yaml:2:28", "name"),
            ("rules: 5", "dir/s.yaml:1:8", "list"),
            ("- a", "dir/s.yaml:1:1", "mapping"),
            ("a: [", "dir/s.yaml:", "not YAML"),
        ])
    func wrong(yaml: String, place: String, says: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try self.read(yaml) }
        let text = error?.description ?? ""
        #expect(text.hasPrefix(place), "\(text)")
        #expect(text.contains(says), "\(text)")
    }

    @Test("all faults come at once")
    func several() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try self.read("seed: x\ndelay: 5\nrules:\n  - reply: { status: 99 }\n  - reply: { chunks: 0 }")
        }
        #expect(error?.faults.count == 4)
    }
}
