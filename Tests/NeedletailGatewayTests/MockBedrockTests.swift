import Foundation
import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@testable import NeedletailGateway

/// Reads the mock with the library's own codecs: each is written from the documentation and not from the other.
@Suite("Mock of Bedrock")
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

    private static func invoke(_ members: String, path: String) -> MockRequest {
        let body =
            #"{"anthropic_version":"bedrock-2023-05-31","max_tokens":4000,"messages":[{"role":"user","content":"Hello"}]\#(members)}"#
        return MockRequest(path: "/model/anthropic.claude-mock/\(path)", body: ByteBuffer(string: body))
    }

    @Test("Claude behind InvokeModel speaks Anthropic's dialect, streamed in frames")
    func invoke() throws {
        let thinking = #","thinking":{"type":"enabled","budget_tokens":1024}"#
        let whole = MockEngine().reply(to: Self.invoke(thinking, path: "invoke"))
        #expect(whole.status == 200)
        let reply = try AnthropicMessages.decodeReply(try #require(whole.wholeBody))
        #expect(reply.choices.first?.content.count == 2)
        let stream = MockEngine().reply(to: Self.invoke(thinking, path: "invoke-with-response-stream"))
        #expect(stream.headers[.contentType] == "application/vnd.amazon.eventstream")
        var types: [String] = []
        var text = ""
        var rest = Played(stream).chunks.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        while rest.readableBytes > 0 {
            let (total, size) = (rest.readInteger(as: UInt32.self) ?? 0, rest.readInteger(as: UInt32.self) ?? 0)
            let headers = rest.readBytes(length: Int(size) + 4) ?? []
            #expect(String(decoding: headers, as: UTF8.self).contains("chunk"))
            let data = rest.readSlice(length: Int(total) - Int(size) - 16)
            let payload = try JSONDocument(try #require(data)).root
            rest.moveReaderIndex(forwardBy: 4)
            let bytes = try #require(Data(base64Encoded: payload["bytes"]?.string ?? ""))
            let event = try JSONDocument(ByteBuffer(bytes: bytes)).root
            types.append(event["type"]?.string ?? "")
            text += event["delta"]?["text"]?.string ?? ""
        }
        #expect(types.first == "message_start" && types.last == "message_stop")
        #expect(!types.contains("ping"))
        #expect(!text.isEmpty && !reply.text.isEmpty)
    }

    @Test(
        "InvokeModel refuses what Bedrock's Claude refuses",
        arguments: [#","model":"m""#, #","stream":true"#, #","anthropic_version":"x""#])
    func invokeRefusals(_ member: String) throws {
        var request = Self.invoke(member, path: "invoke")
        if member.contains("version") {
            let body = #"{"max_tokens":1,"messages":[{"role":"user","content":"x"}]\#(member)}"#
            request = MockRequest(path: request.path, body: ByteBuffer(string: body))
        }
        let reply = MockEngine().reply(to: request)
        #expect(reply.status == 400)
        #expect(try reply.json()["__type"]?.string == "ValidationException")
    }
}
