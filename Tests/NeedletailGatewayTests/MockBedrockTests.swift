import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@testable import NeedletailGateway

/// Reads the mock's Converse with the library's own codec: each is written from the documentation and not from the other.
@Suite("Mock of Bedrock Converse")
struct MockBedrockTests {
    private static func request(_ members: String = "", path: String) -> MockRequest {
        let body = #"{"messages":[{"role":"user","content":[{"text":"Hello there"}]}]\#(members)}"#
        return MockRequest(path: "/model/some.model-v1%3A0/\(path)", body: ByteBuffer(string: body))
    }

    private static let tools =
        #","toolConfig":{"tools":[{"toolSpec":{"name":"weather","inputSchema":{"json":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}}],"toolChoice":{"any":{}}}"#
    private static let thinking =
        #","additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":1024}}"#

    private static func events(_ reply: MockReply) throws(NeedletailError) -> [ChatEvent] {
        var decoder = BedrockConverse.makeStreamDecoder()
        var events: [ChatEvent] = []
        for chunk in Played(reply).chunks { try decoder.decode(chunk, into: &events) }
        try decoder.finish(into: &events)
        return events
    }

    @Test("whole and streamed it says the same", arguments: ["", tools, thinking])
    func same(_ members: String) throws {
        let whole = MockEngine().reply(to: Self.request(members, path: "converse"))
        #expect(whole.status == 200)
        let reply = try BedrockConverse.decodeReply(try #require(whole.wholeBody))
        let stream = MockEngine().reply(to: Self.request(members, path: "converse-stream"))
        #expect(stream.headers[.contentType] == "application/vnd.amazon.eventstream")
        var names: [String] = []
        var text = ""
        var stop: StopReason?
        var usage: Usage?
        for event in try Self.events(stream) {
            switch event {
            case .text(let more, _): text += more
            case .toolCallStarted(_, _, let name, _, _): names.append(name)
            case .finished(let reason, _, _): stop = reason
            case .usage(let all): usage = all
            default: continue
            }
        }
        #expect(names == reply.toolCalls.map(\.name))
        #expect(names.isEmpty == !members.contains("toolConfig"))
        #expect(text.isEmpty == reply.text.isEmpty)
        #expect(stop == reply.choices.first?.stopReason)
        #expect(usage?.outputTokens ?? 0 > 0)
        #expect(members != Self.thinking || reply.choices.first?.content.count == 2)
    }

    @Test("what Bedrock refuses is refused in its shape")
    func refusals() throws {
        for body in [
            "{}", #"{"messages":[]}"#, #"{"messages":[{"role":"user","content":[{"text":" "}]}]}"#,
            #"{"messages":[{"role":"assistant","content":[{"text":"x"}]}]}"#,
            #"{"messages":[{"role":"user","content":[{"text":"x"}]},{"role":"user","content":[{"text":"y"}]}]}"#,
        ] {
            let request = MockRequest(path: "/model/m/converse", body: ByteBuffer(string: body))
            let reply = MockEngine().reply(to: request)
            #expect(reply.status == 400, "\(body)")
            #expect(try reply.json()["__type"]?.string == "ValidationException")
        }
    }

    @Test("tokens are counted")
    func count() throws {
        let body = #"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}}}"#
        let request = MockRequest(path: "/model/m/count-tokens", body: ByteBuffer(string: body))
        #expect(try BedrockConverse.decodeTokenCount(try #require(MockEngine().reply(to: request).wholeBody)) > 0)
    }
}
