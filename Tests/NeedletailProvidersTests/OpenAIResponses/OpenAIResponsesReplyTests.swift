import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("OpenAI responses: whole replies")
struct OpenAIResponsesReplyTests {
    static func reply(_ output: String, _ more: String = #""status":"completed""#) -> ByteBuffer {
        ByteBuffer(
            string: #"""
                {"id":"resp_1","object":"response","created_at":5,"model":"m","error":null,"output":[\#(output)],\#(more),
                 "usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4},"output_tokens":7,
                          "output_tokens_details":{"reasoning_tokens":3},"total_tokens":16}}
                """#)
    }

    static let call = #"{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{}"}"#
    static let text = #"{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":"hi"}]}"#
    static let refusal = #"{"type":"message","id":"m","content":[{"type":"refusal","refusal":"no"}]}"#

    @Test(
        "The stop reason keeps its sense",
        arguments: [
            (Self.text, #""status":"completed""#, StopReason.endTurn),
            (Self.call, #""status":"completed""#, .toolCalls),
            (Self.refusal, #""status":"completed""#, .refusal),
            (Self.text, #""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#, .maxTokens),
            (Self.text, #""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#, .contentFilter),
            (Self.text, #""status":"incomplete","incomplete_details":{"reason":"moonlight"}"#, .other("moonlight")),
            (Self.text, #""status":"cancelled""#, .other("cancelled")),
            // A search that the provider ran is nothing that the client answers.
            (#"{"type":"web_search_call","id":"w"},"# + Self.text, #""status":"completed""#, .endTurn),
        ])
    func stop(_ output: String, _ status: String, _ reason: StopReason) throws {
        let reply = try OpenAIResponses.decodeReply(Self.reply(output, status))
        #expect(reply.choices.first?.stopReason == reason)
    }

    @Test("Cached and reasoning tokens are counted once")
    func usage() throws {
        let usage = try #require(try OpenAIResponses.inspectReply(Self.reply(Self.text)))
        #expect(usage.inputTokens == 9)
        #expect(usage.outputTokens == 7)
        #expect(usage.cachedInputTokens == 4)
        #expect(usage.reasoningTokens == 3)
    }

    @Test(
        "A failed response inside a 200 is the error that it names",
        arguments: [
            ("rate_limit_exceeded", NeedletailError.Code.rateLimited), ("server_error", .upstreamFailed),
            ("invalid_prompt", .invalidRequest), ("insufficient_quota", .quotaExhausted),
        ])
    func failed(_ code: String, _ meaning: NeedletailError.Code) {
        let body = ByteBuffer(
            string: #"{"id":"r","status":"failed","output":[],"error":{"code":"\#(code)","message":"so"}}"#)
        for read in [
            { _ = try OpenAIResponses.decodeReply(body) }, { _ = try OpenAIResponses.inspectReply(body) },
        ] as [() throws -> Void] {
            do {
                try read()
                Issue.record("not thrown")
            } catch {
                #expect((error as? NeedletailError)?.code == meaning)
            }
        }
    }

    @Test("A tool that the provider ran is no call for a client of another dialect")
    func builtIn() throws {
        let reply = try OpenAIResponses.decodeReply(
            Self.reply(#"{"type":"web_search_call","id":"w","status":"completed"},"# + Self.text))
        var out = ByteBuffer()
        let losses = try OpenAIChat.encodeReply(reply, created: 1, into: &out)
        #expect(losses.map(\.field) == ["output"])
        let message = try #require(try JSONDocument(out).root["choices"]?.elements.first { _ in true }?["message"])
        #expect(message["content"]?.string == "hi")
        #expect(message["tool_calls"] == nil)
    }

    @Test("Another dialect's reply becomes items in order")
    func items() throws {
        var reply = ChatResponse(id: "chatcmpl-9", model: "m")
        reply.source = .anthropicMessages
        reply.choices = [
            ChatChoice(
                content: [
                    .reasoning(ReasoningPart("think", signature: "sig")), .redactedReasoning("hidden"),
                    .text(TextPart("a")), .text(TextPart("b")),
                    .toolCall(ToolCall(id: "c1", name: "f", arguments: "")),
                    .toolCall(ToolCall(id: "c2", name: "p", arguments: "x", isCustom: true)),
                ], stopReason: .toolCalls)
        ]
        reply.usage = Usage(inputTokens: 1, outputTokens: 2)
        reply.echo = [Extension("metadata", JSONText(unchecked: #"{"a":"b"}"#))]
        var out = ByteBuffer()
        #expect(try OpenAIResponses.encodeReply(reply, created: 8, into: &out) == [])
        let root = try JSONDocument(out).root
        #expect(root["id"]?.string == "resp_chatcmpl-9")
        #expect(root["status"]?.string == "completed")
        #expect(root["metadata"]?["a"]?.string == "b")
        let types = root["output"]?.elements.map { $0["type"]?.string ?? "" }
        #expect(types == ["reasoning", "reasoning", "message", "function_call", "custom_tool_call"])
        let again = try OpenAIResponses.decodeReply(out)
        var expected = reply.choices[0].content
        expected[4] = .toolCall(ToolCall(id: "c1", name: "f", arguments: "{}"))
        #expect(again.choices[0].content == expected)
    }

    @Test(
        "A stop reason of another dialect is told as a response's status",
        arguments: [
            (StopReason.maxTokens, "incomplete", "max_output_tokens", false),
            (.contextWindow, "incomplete", "max_output_tokens", false),
            (.contentFilter, "incomplete", "content_filter", false), (.endTurn, "completed", nil, false),
            (.stopSequence, "completed", nil, false), (.pauseTurn, "completed", nil, true),
            (.other("odd"), "completed", nil, true),
        ] as [(StopReason, String, String?, Bool)])
    func status(_ reason: StopReason, _ status: String, _ detail: String?, _ isLost: Bool) throws {
        var reply = ChatResponse(id: "r", model: "m")
        reply.choices = [ChatChoice(content: [.text(TextPart("x"))], stopReason: reason)]
        var out = ByteBuffer()
        let losses = try OpenAIResponses.encodeReply(reply, created: 1, into: &out)
        let root = try JSONDocument(out).root
        #expect(root["status"]?.string == status)
        #expect(root["incomplete_details"]?["reason"]?.string == detail)
        #expect(losses.isEmpty != isLost)
    }

    @Test("A refusal that came as text is a refusal")
    func refusalText() throws {
        var reply = ChatResponse(id: "r", model: "m")
        reply.choices = [ChatChoice(content: [.text(TextPart("I cannot."))], stopReason: .refusal)]
        var out = ByteBuffer()
        _ = try OpenAIResponses.encodeReply(reply, created: 1, into: &out)
        let again = try OpenAIResponses.decodeReply(out)
        #expect(again.choices[0].content == [.refusal("I cannot.")])
        #expect(again.choices[0].stopReason == .refusal)
    }

    @Test("Web pages are cited in each dialect's words")
    func citations() throws {
        let annotation =
            #"{"type":"url_citation","start_index":0,"end_index":2,"url":"https://e.org","title":"E"}"#
        let reply = try OpenAIResponses.decodeReply(
            Self.reply(
                #"{"type":"message","id":"m","content":[{"type":"output_text","text":"hi","annotations":[\#(annotation)]}]}"#
            ))
        var chat = ByteBuffer()
        #expect(try OpenAIChat.encodeReply(reply, created: 1, into: &chat) == [])
        let read = try OpenAIChat.decodeReply(chat)
        var back = ByteBuffer()
        #expect(try OpenAIResponses.encodeReply(read, created: 1, into: &back) == [])
        let part = try JSONDocument(back).root["output"]?.elements.first { _ in true }?["content"]?.elements
            .first { _ in true }
        #expect(part?["annotations"]?.elements.map { String(buffer: $0.raw) } == [annotation])
    }

    @Test("What is no response is malformed", arguments: ["[]", "3", "{", #"{"object":"response"}"#])
    func malformed(_ text: String) {
        do {
            _ = try OpenAIResponses.decodeReply(ByteBuffer(string: text))
            Issue.record("read")
        } catch {
            #expect(error.code == .malformedReply)
        }
    }
}
