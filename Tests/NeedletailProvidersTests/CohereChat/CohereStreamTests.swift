import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Cohere chat: streams")
struct CohereStreamTests {
    private static func event(_ json: String) -> String { "data: \(json)\n\n" }

    private static func message(_ type: String, _ delta: String, index: Int? = 0) -> String {
        let place = index.map { #""index":\#($0),"# } ?? ""
        return "event: \(type)\n" + Self.event(#"{"type":"\#(type)",\#(place)"delta":{"message":{\#(delta)}}}"#)
    }

    private static let start = event(
        #"{"id":"r","type":"message-start","delta":{"message":{"role":"assistant","content":[]}}}"#)
    private static let end = event(
        #"{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":3,"output_tokens":4}}}}"#
    )

    private static let good =
        start + message("tool-plan-delta", #""tool_plan":"Look. ""#, index: nil)
        + message("content-start", #""content":{"type":"thinking","thinking":"h"}"#)
        + message("content-delta", #""content":{"thinking":"m"}"#) + event(#"{"type":"content-end","index":0}"#)
        + message("content-start", #""content":{"type":"text","text":""}"#, index: 1)
        + message("content-delta", #""content":{"text":"Grüß \ud83d\ude00"}"#, index: 1)
        + message("citation-start", #""citations":{"start":0,"end":4,"text":"Grüß","sources":[]}"#)
        + event(#"{"type":"citation-end","index":0}"#) + event(#"{"type":"content-end","index":1}"#)
        + message(
            "tool-call-start", #""tool_calls":{"id":"c1","type":"function","function":{"name":"f","arguments":""}}"#)
        + event(#"{"type":"tool-call-end","index":0}"#)
        + message("tool-call-start", #""tool_calls":{"id":"","function":{"name":"g","arguments":"{\"a\""}}"#, index: 1)
        + message("tool-call-delta", #""tool_calls":{"function":{"arguments":":1}"}}"#, index: 1)
        + event(#"{"type":"tool-call-end","index":1}"#) + event(#"{"type":"debug","prompt":"x"}"#) + end
        + "data: [DONE]\n\n"

    @Test("A stream means the same wherever it is split")
    func splits() throws {
        let whole = try NativeRecordings.decode([ByteBuffer(string: Self.good)], .cohereChat)
        let reply = OpenAIChatCollector.reply(whole)
        #expect(reply.text == "Look. Grüß 😀")
        #expect(
            reply.toolCalls == [
                ToolCall(id: "c1", name: "f", arguments: ""),
                ToolCall(id: "call_r_0_1", name: "g", arguments: #"{"a":1}"#),
            ])
        #expect(reply.choices[0].stopReason == .toolCalls, "the provider said COMPLETE")
        #expect(reply.usage == Usage(inputTokens: 3, outputTokens: 4))
        let bytes = Array(Self.good.utf8)
        for split in 0...bytes.count {
            let events = try NativeRecordings.decode(
                [ByteBuffer(bytes: bytes[..<split]), ByteBuffer(bytes: bytes[split...])], .cohereChat)
            #expect(events == whole, "split at \(split)")
        }
        let tap = try NativeRecordings.tap(ByteBuffer(string: Self.good), .cohereChat)
        #expect(tap.isComplete && tap.isTerminated && tap.usage == reply.usage)
    }

    @Test("A stream that stops early, turns to garbage or tells an error has failed")
    func broken() throws {
        func code(_ text: String) -> NeedletailError.Code? {
            #expect(throws: NeedletailError.self) {
                try NativeRecordings.decode([ByteBuffer(string: Self.start + text)], .cohereChat)
            }?.code
        }
        #expect(code("") == .unreachable)
        #expect(code("data: [DONE]\n\n") == .malformedReply)
        #expect(code("data: {\n\n") == .malformedReply)
        #expect(
            code(Self.message("tool-call-delta", #""tool_calls":{"function":{"arguments":"x"}}"#)) == .malformedReply)
        let failed = Self.event(#"{"type":"message-end","delta":{"finish_reason":"ERROR","error":"it broke"}}"#)
        #expect(code(failed) == .upstreamFailed)
        #expect(code(Self.event(#"{"id":"e","message":"too many"}"#)) == .upstreamFailed)
        #expect(throws: NeedletailError.self) { try NativeRecordings.tap(ByteBuffer(string: failed), .cohereChat) }
        #expect(try !NativeRecordings.tap(ByteBuffer(string: Self.start), .cohereChat).isComplete)
        #expect(try NativeRecordings.decode([ByteBuffer(string: Self.start + Self.end)], .cohereChat).count == 3)
    }

    @Test("Calls whose fragments come in turn go out one after the other")
    func serial() throws {
        let events: [ChatEvent] = [
            .started(StreamStart(id: "r", model: "m")), .text("a", choice: 0),
            .toolCallStarted(index: 0, id: "c1", name: "f", isCustom: false, choice: 0),
            .toolCallStarted(index: 1, id: "c2", name: "g", isCustom: true, choice: 0),
            .toolCallArguments(index: 0, fragment: #"{"a""#, choice: 0),
            .toolCallArguments(index: 1, fragment: "fr", choice: 0),
            .toolCallArguments(index: 0, fragment: ":1}", choice: 0),
            .toolCallStarted(index: 2, id: "c3", name: "h", isCustom: false, choice: 0),
            .toolCallArguments(index: 1, fragment: "ee", choice: 0),
            .finished(.endTurn, stopSequence: nil, choice: 0),
        ]
        let (out, losses) = NativeRecordings.encode(events, .cohereChat, source: .openAIChat)
        var framing = SSEDecoder()
        framing.feed(out)
        var names: [String] = []
        while let event = try framing.next() {
            names.append(event.name.readableBytes == 0 ? String(buffer: event.data) : String(buffer: event.name))
        }
        #expect(
            names == [
                "message-start", "content-start", "content-delta", "content-end",
                "tool-call-start", "tool-call-delta", "tool-call-delta", "tool-call-end",
                "tool-call-start", "tool-call-delta", "tool-call-end",
                "tool-call-start", "tool-call-delta", "tool-call-end", "message-end", "[DONE]",
            ])
        let reply = OpenAIChatCollector.reply(try NativeRecordings.decode([out], .cohereChat))
        #expect(reply.toolCalls.map(\.id) == ["c1", "c2", "c3"])
        #expect(reply.toolCalls.map(\.arguments) == [#"{"a":1}"#, #"{"input":"free"}"#, "{}"])
        #expect(reply.choices[0].stopReason == .toolCalls && losses == [])
    }

    @Test("A failure after the first byte is the end of a message, and no [DONE] follows")
    func failure() throws {
        var out = ByteBuffer()
        CohereChat.encodeStreamFailure(NeedletailError(.upstreamFailed, "broke"), requestID: "r", into: &out)
        #expect(
            String(buffer: out)
                == "event: message-end\ndata: "
                + #"{"type":"message-end","id":"r","delta":{"error":"broke","finish_reason":"ERROR"}}"# + "\n\n")
    }
}
