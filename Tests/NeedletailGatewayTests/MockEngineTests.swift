import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("Mock engine")
struct MockEngineTests {
    @Test("the same seed and request give the same bytes, another seed others", arguments: MockDialectCase.allCases)
    func determinism(dialect: MockDialectCase) throws {
        let request = dialect.request(stream: true)
        let first = MockEngine(script: MockScript(seed: 7)).reply(to: request)
        let second = MockEngine(script: MockScript(seed: 7)).reply(to: request)
        let other = MockEngine(script: MockScript(seed: 8)).reply(to: request)
        #expect(Played(first).steps == Played(second).steps)
        #expect(first.leadIn == second.leadIn)
        #expect(Played(first).steps != Played(other).steps)
    }

    @Test("with no script it thinks for 100 to 200 ms", arguments: 0..<20)
    func delay(seed: Int) throws {
        let engine = MockEngine(script: MockScript(seed: UInt64(seed)))
        let reply = engine.reply(to: MockDialectCase.openAI.request())
        guard case .wait(let duration)? = reply.leadIn.first else {
            Issue.record("seed \(seed): no pause")
            return
        }
        #expect(duration >= .milliseconds(100) && duration <= .milliseconds(200), "seed \(seed)")
        #expect(MockEngine(script: MockScript(delay: .zero)).reply(to: MockDialectCase.openAI.request()).leadIn.isEmpty)
    }

    @Test("a whole answer says that it is a mock, echoes the prompt and has usage")
    func openAIWhole() throws {
        let reply = MockEngine().reply(to: MockDialectCase.openAI.request())
        let json = try reply.json()
        let choice = try #require(json["choices"]?.elements.first { _ in true })
        let text = try #require(choice["message"]?["content"]?.string)
        #expect(reply.status == 200)
        #expect(text.contains("mock") && text.contains("Hello there"))
        #expect(choice["finish_reason"]?.string == "stop")
        #expect(json["object"]?.string == "chat.completion")
        #expect(json["model"]?.string == "mock-model")
        let usage = try #require(json["usage"])
        let output = try #require(usage["completion_tokens"]?.int)
        #expect(output == reply.account.usage.output && output > 5)
        #expect(usage["total_tokens"]?.int == output + reply.account.usage.input)
    }

    @Test("an Anthropic answer has blocks, a stop reason and usage")
    func anthropicWhole() throws {
        let reply = MockEngine().reply(to: MockDialectCase.anthropic.request())
        let json = try reply.json()
        let block = try #require(json["content"]?.elements.first { _ in true })
        #expect(block["type"]?.string == "text")
        #expect(block["text"]?.string?.contains("Hello there") == true)
        #expect(json["stop_reason"]?.string == "end_turn")
        #expect(json["stop_sequence"]?.isNull == true)
        #expect(json["usage"]?["output_tokens"]?.int == reply.account.usage.output)
        #expect(reply.headers.contains { $0.name.canonicalName == "request-id" })
    }

    @Test("max_tokens is honoured", arguments: MockDialectCase.allCases, [1, 3, 7])
    func maximumTokens(dialect: MockDialectCase, maximum: Int) throws {
        let reply = MockEngine().reply(to: dialect.request("\"max_tokens\":\(maximum)"))
        let json = try reply.json()
        #expect(reply.account.usage.output == maximum)
        switch dialect {
        case .openAI:
            #expect(json["choices"]?.elements.first { _ in true }?["finish_reason"]?.string == "length")
        case .anthropic:
            #expect(json["stop_reason"]?.string == "max_tokens")
        }
    }

    @Test("the text ends before a stop sequence")
    func stopSequences() throws {
        let reply = MockEngine().reply(to: MockDialectCase.anthropic.request(#""stop_sequences":["model","answer"]"#))
        let json = try reply.json()
        #expect(json["content"]?.elements.first { _ in true }?["text"]?.string == "This is a mock ")
        #expect(json["stop_reason"]?.string == "stop_sequence")
        #expect(json["stop_sequence"]?.string == "answer")
    }

    @Test("a demanded tool is called with arguments that fit", arguments: MockDialectCase.allCases, [false, true])
    func tools(dialect: MockDialectCase, stream: Bool) throws {
        let request = dialect.request(dialect.tools + "," + dialect.demand, stream: stream)
        let reply = MockEngine().reply(to: request)
        let (name, arguments, stop) = try Self.call(in: reply, dialect)
        #expect(name == "weather")
        let input = try checkedJSON(ByteBuffer(string: arguments))
        #expect(input["city"]?.string != nil)
        #expect(input["days"]?.int != nil)
        #expect(stop == (dialect == .openAI ? "tool_calls" : "tool_use"))
    }

    private static func call(
        in reply: MockReply, _ dialect: MockDialectCase
    ) throws -> (name: String?, arguments: String, stop: String?) {
        if let body = reply.wholeBody {
            let json = try checkedJSON(body)
            guard dialect == .openAI else {
                let block = json["content"]?.elements.first { $0["type"]?.string == "tool_use" }
                return (
                    block?["name"]?.string, block?["input"].map { $0.text.description } ?? "",
                    json["stop_reason"]?.string
                )
            }
            let choice = json["choices"]?.elements.first { _ in true }
            let function = choice?["message"]?["tool_calls"]?.elements.first { _ in true }?["function"]
            return (
                function?["name"]?.string, function?["arguments"]?.string ?? "", choice?["finish_reason"]?.string
            )
        }
        var name: String?
        var arguments = ""
        var stop: String?
        for event in try Played(reply).events() {
            let choice = event["choices"]?.elements.first { _ in true }
            let function = choice?["delta"]?["tool_calls"]?.elements.first { _ in true }?["function"]
            name = name ?? function?["name"]?.string ?? event["content_block"]?["name"]?.string
            arguments += function?["arguments"]?.string ?? event["delta"]?["partial_json"]?.string ?? ""
            stop = choice?["finish_reason"]?.string ?? event["delta"]?["stop_reason"]?.string ?? stop
        }
        return (name, arguments, stop)
    }

    @Test("results of tools are answered with text")
    func toolResults() throws {
        let body =
            #"{"model":"m","messages":[{"role":"user","content":"Weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"sunny"}],\#(MockDialectCase.openAI.tools)}"#
        let reply = MockEngine().reply(to: MockRequest(path: "/chat/completions", body: ByteBuffer(string: body)))
        let json = try reply.json()
        let text = json["choices"]?.elements.first { _ in true }?["message"]?["content"]?.string
        #expect(text?.contains("sunny") == true)
    }

    @Test("images are counted")
    func images() throws {
        let content =
            #"[{"type":"text","text":"What?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]"#
        let reply = MockEngine().reply(to: MockDialectCase.openAI.request(content: content))
        let json = try reply.json()
        let text = json["choices"]?.elements.first { _ in true }?["message"]?["content"]?.string
        #expect(text?.contains("Images received: 2") == true)
    }

    @Test("reasoning is signed, and the mock knows its signature again", arguments: [false, true])
    func thinking(stream: Bool) throws {
        let reply = MockEngine().reply(
            to: MockDialectCase.anthropic.request(MockDialectCase.anthropic.thinking, stream: stream))
        var text = ""
        var signature = ""
        if let body = reply.wholeBody {
            let block = try checkedJSON(body)["content"]?.elements.first { _ in true }
            text = block?["thinking"]?.string ?? ""
            signature = block?["signature"]?.string ?? ""
        } else {
            for event in try Played(reply).events() {
                text += event["delta"]?["thinking"]?.string ?? ""
                signature += event["delta"]?["signature"]?.string ?? ""
            }
        }
        #expect(!text.isEmpty && !signature.isEmpty)
        for (replayed, status) in [(text, 200), (text + "x", 400)] {
            let block = #"{"type":"thinking","thinking":"\#(replayed)","signature":"\#(signature)"}"#
            let body =
                #"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[\#(block),{"type":"text","text":"b"}]},{"role":"user","content":"c"}]}"#
            let next = MockEngine().reply(to: MockRequest(path: "/v1/messages", body: ByteBuffer(string: body)))
            #expect(next.status == status)
        }
    }

    @Test("the usage chunk comes only when asked for")
    func includeUsage() throws {
        let asked = try Played(MockEngine().reply(to: MockDialectCase.openAI.request(stream: true))).events()
        #expect(asked.last?["usage"]?["completion_tokens"]?.int != nil)
        #expect(asked.last?["choices"]?.elements.contains { _ in true } == false)
        let body = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"a"}]}"#
        let silent = Played(
            MockEngine().reply(to: MockRequest(path: "/chat/completions", body: ByteBuffer(string: body))))
        #expect(try silent.events().allSatisfy { $0["usage"] == nil })
        #expect(silent.text.hasSuffix("data: [DONE]\n\n"))
    }

    @Test("n choices come with their own indexes", arguments: [false, true])
    func choices(stream: Bool) throws {
        let reply = MockEngine().reply(to: MockDialectCase.openAI.request(#""n":3"#, stream: stream))
        var indexes: Set<Int> = []
        let views = try reply.wholeBody.map { [try checkedJSON($0)] } ?? Played(reply).events()
        for view in views {
            for choice in view["choices"].map({ Array($0.elements) }) ?? []
            where choice["finish_reason"]?.string != nil {
                indexes.insert(choice["index"]?.int ?? -1)
            }
        }
        #expect(indexes == [0, 1, 2])
    }

    @Test("legacy functions are answered in their own words", arguments: [false, true])
    func legacyFunctions(stream: Bool) throws {
        let request = MockDialectCase.openAI.request(
            #""functions":[{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}],"function_call":{"name":"f"}"#,
            stream: stream)
        let reply = MockEngine().reply(to: request)
        let text = reply.wholeBody.map { String(buffer: $0) } ?? Played(reply).text
        #expect(text.contains("\"function_call\":{\"name\":\"f\""))
        #expect(text.contains("\"finish_reason\":\"function_call\""))
        #expect(!text.contains("tool_calls"))
    }

    @Test("ten thousand chunks are made one at a time and counted")
    func manyChunks() throws {
        var scripted = MockScriptedReply()
        scripted.chunks = 10_000
        let script = MockScript(rules: [MockRule(reply: scripted)])
        let reply = MockEngine(script: script).reply(to: MockDialectCase.openAI.request(stream: true))
        let played = Played(reply)
        let chunks = played.chunks.count {
            String(buffer: $0).contains("\"delta\":{\"content\":\"") && !String(buffer: $0).contains("role")
        }
        #expect(chunks == 10_000)
        #expect(reply.account.usage.output == 10_000)
        #expect(played.progress.outputTokens == 10_000)
    }

    @Test("count_tokens and the models lists answer in their shapes")
    func others() throws {
        let engine = MockEngine(script: MockScript(models: ["a", "b"]))
        let count = engine.reply(
            to: MockRequest(path: "/v1/messages/count_tokens", body: MockDialectCase.anthropic.request().body))
        #expect(try count.json()["input_tokens"]?.int ?? 0 > 0)
        #expect(!count.account.isInference)
        let openAI = engine.reply(to: MockRequest(method: "GET", path: "/v1/models?limit=2"))
        #expect(try openAI.json()["object"]?.string == "list")
        let version = try #require(HTTPField.Name("anthropic-version"))
        let anthropic = engine.reply(
            to: MockRequest(method: "GET", path: "/v1/models", headers: [version: "2023-06-01"]))
        let list = try anthropic.json()
        #expect(list["has_more"]?.bool == false)
        #expect(list["data"].map { $0.elements.compactMap { $0["id"]?.string } } == ["a", "b"])
        let one = engine.reply(to: MockRequest(method: "GET", path: "/v1/models/org/x"))
        #expect(try one.json()["id"]?.string == "org/x")
    }

    @Test(
        "wrong requests get the provider's own error",
        arguments: [
            ("/v1/chat/completions", "{", 400), ("/v1/chat/completions", "[]", 400),
            ("/v1/chat/completions", #"{"messages":[]}"#, 400), ("/v1/chat/completions", #"{"model":"m"}"#, 400),
            ("/v1/chat/completions", #"{"model":"m","messages":[]}"#, 400),
            ("/v1/chat/completions", #"{"model":"m","messages":[{"role":"king","content":"x"}]}"#, 400),
            ("/v1/chat/completions", #"{"model":"m","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}"#, 400),
            ("/v1/chat/completions", #"{"model":"m","n":0,"messages":[{"role":"user","content":"x"}]}"#, 400),
            ("/v1/messages", #"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, 400),
            ("/v1/messages", #"{"model":"m","max_tokens":5}"#, 400),
            ("/v1/messages", #"{"model":"m","max_tokens":5,"messages":[{"role":"user"}]}"#, 400),
            ("/v1/messages", "", 400), ("/v1/nothing", "{}", 404), ("/", "", 404),
        ])
    func refusals(path: String, body: String, status: Int) throws {
        let reply = MockEngine().reply(to: MockRequest(path: path, body: ByteBuffer(string: body)))
        #expect(reply.status == status)
        let json = try reply.json()
        #expect(json["error"]?["message"]?.string?.isEmpty == false)
        #expect((json["type"]?.string == "error") == path.contains("messages"))
        #expect(reply.account.usage == MockUsage(input: 0, output: 0))
    }
}
