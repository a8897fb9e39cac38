import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Gemini: a whole reply")
struct GeminiReplyTests {
    @Test("Calls end with STOP, may lack args and id, and keep their signature")
    func calls() throws {
        let reply = try GeminiFixture.reply(
            GeminiFixture.candidate(
                #"{"functionCall":{"name":"f"},"thoughtSignature":"AAAA"},{"functionCall":{"name":"f","args":{"b":null},"id":"own"}}"#
            ))
        #expect(reply.choices[0].stopReason == .toolCalls)
        #expect(reply.choices[0].content.first == .reasoning(ReasoningPart("", signature: "AAAA")))
        #expect(reply.toolCalls.map(\.id) == ["call_r1_0_0", "own"])
        #expect(reply.toolCalls.map(\.arguments) == ["{}", #"{"b":null}"#])
    }

    @Test(
        "The signature survives a client of any dialect and comes back in the call's part",
        arguments: [
            DialectID.openAIChat, .anthropicMessages, .gemini,
        ])
    func roundTrip(_ client: DialectID) throws {
        let reply = try GeminiFixture.reply(
            GeminiFixture.candidate(
                #"{"text":"Let me see.","thoughtSignature":"BBBB"},{"functionCall":{"name":"f","id":"c1","args":{}},"thoughtSignature":"AAAA"}"#
            ))
        var out = ByteBuffer()
        _ = try client.dialect.encodeReply(reply, created: 1, into: &out)
        let shown = try GeminiFixture.object(out)
        let turn: String
        switch client {
        case .openAIChat:
            #expect(
                shown[path: "choices.0.message.tool_calls.0.extra_content.google.thought_signature"] as? String
                    == "AAAA")
            let message = try JSONDocument(out).root["choices"]?.elements.first { _ in true }?["message"]?.text
            turn = #"{"model":"m","messages":[{"role":"user","content":"Go"},\#(try #require(message))]}"#
        case .anthropicMessages:
            let content = try JSONDocument(out).root["content"]?.text
            turn =
                #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Go"},{"role":"assistant","content":\#(try #require(content))}]}"#
        default:
            let content = try JSONDocument(out).root["candidates"]?.elements.first { _ in true }?["content"]?.text
            turn = #"{"contents":[{"role":"user","parts":[{"text":"Go"}]},\#(try #require(content))]}"#
        }
        var request = try client.dialect.decodeRequest(ByteBuffer(string: turn))
        request.model = "gemini-3-pro"
        let json = try GeminiFixture.written(request).json
        let parts = try #require(json[path: "contents.1.parts"] as? [[String: Any]])
        let call = try #require(parts.first { $0["functionCall"] != nil })
        #expect(call["thoughtSignature"] as? String == "AAAA", "\(parts)")
        #expect(parts.contains { $0["thoughtSignature"] as? String == "BBBB" && $0["text"] != nil }, "\(parts)")
    }

    @Test(
        "Usage counts everything once",
        arguments: [
            (#"{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":22}"#, 10, 12),
            (#"{"promptTokenCount":10,"totalTokenCount":10}"#, 10, 0),
            (#"{"promptTokenCount":10,"thoughtsTokenCount":7,"totalTokenCount":17}"#, 10, 7),
            (
                #"{"promptTokenCount":10,"toolUsePromptTokenCount":90,"candidatesTokenCount":5,"totalTokenCount":105}"#,
                100, 5
            ),
            (
                #"{"promptTokenCount":"10","candidatesTokenCount":5,"cachedContentTokenCount":8,"totalTokenCount":15}"#,
                10, 5
            ),
        ])
    func usage(_ counters: String, _ input: Int, _ output: Int) throws {
        let usage = try #require(GeminiUsage.read(try JSONText(counters).view()))
        #expect(usage.inputTokens == input && usage.outputTokens == output)
        var json = JSONWriter()
        GeminiUsage.write(usage, serviceTier: nil, isOwn: true, into: &json)
        let again = try #require(GeminiUsage.read(JSONDocument(json.bytes).root))
        #expect(again.inputTokens == input && again.outputTokens == output)
        #expect(again.reasoningTokens == usage.reasoningTokens && again.cachedInputTokens == usage.cachedInputTokens)
    }

    @Test("Counters that say nothing are none")
    func emptyUsage() throws {
        #expect(GeminiUsage.read(try JSONText(#"{"trafficType":"ON_DEMAND"}"#).view()) == nil)
    }

    @Test(
        "Why it ended",
        arguments: [
            (#""STOP""#, .endTurn), ("1", .endTurn), (#""MAX_TOKENS""#, .maxTokens), ("2", .maxTokens),
            (#""SAFETY""#, .contentFilter), ("3", .contentFilter), (#""RECITATION""#, .contentFilter),
            (#""MODEL_ARMOR""#, .contentFilter), (#""UNEXPECTED_TOOL_CALL""#, .other("UNEXPECTED_TOOL_CALL")),
            (#""NEVER_HEARD_OF""#, .other("NEVER_HEARD_OF")), ("99", .other("99")), ("null", nil),
        ] as [(String, StopReason?)])
    func finish(_ word: String, _ reason: StopReason?) throws {
        let reply = try GeminiFixture.reply(GeminiFixture.candidate(#"{"text":"x"}"#, finish: word))
        #expect(reply.choices[0].stopReason == reason)
        var out = ByteBuffer()
        _ = try OpenAIChat.encodeReply(reply, created: 1, into: &out)
        _ = try AnthropicMessages.encodeReply(reply, created: 1, into: &out)
    }

    @Test(
        "Candidates without content, content without parts, parts with nothing in them",
        arguments: [
            #"{"candidates":[{"finishReason":"OTHER","finishMessage":"No."}]}"#,
            #"{"candidates":[{"content":{},"finishReason":"STOP"}]}"#,
            #"{"candidates":[{"content":{"role":"model","parts":[{},{"text":""}]},"finishReason":"STOP"}]}"#,
            #"{"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3},"modelVersion":"g"}"#,
        ])
    func empty(_ body: String) throws {
        let reply = try GeminiFixture.reply(body)
        #expect(reply.choices.count == 1 && reply.choices[0].content.isEmpty)
    }

    @Test("A blocked prompt is a refusal, in every dialect")
    func blocked() throws {
        let reply = try GeminiFixture.reply(
            #"{"promptFeedback":{"blockReason":"MODEL_ARMOR","blockReasonMessage":"Not this."},"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}"#
        )
        #expect(reply.choices == [ChatChoice(content: [.refusal("Not this.")], stopReason: .contentFilter)])
        var out = ByteBuffer()
        _ = try OpenAIChat.encodeReply(reply, created: 1, into: &out)
        #expect(try GeminiFixture.object(out)[path: "choices.0.finish_reason"] as? String == "content_filter")
        out.clear()
        _ = try AnthropicMessages.encodeReply(reply, created: 1, into: &out)
        #expect(try GeminiFixture.object(out)["stop_reason"] as? String == "refusal")
        out.clear()
        _ = try Gemini.encodeReply(reply, created: 1, into: &out)
        let json = try GeminiFixture.object(out)
        #expect(json["candidates"] == nil && json[path: "promptFeedback.blockReason"] as? String == "MODEL_ARMOR")
    }

    @Test("What Google ran itself is no call, and is told as lost elsewhere")
    func providerRun() throws {
        let reply = try GeminiFixture.reply(
            GeminiFixture.candidate(
                #"{"executableCode":{"language":"PYTHON","code":"1"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK"}},{"text":"One"}"#,
                more: #","groundingMetadata":{"webSearchQueries":["q"]}"#))
        #expect(reply.toolCalls.isEmpty && reply.text == "One" && reply.choices[0].stopReason == .endTurn)
        var out = ByteBuffer()
        let losses = try OpenAIChat.encodeReply(reply, created: 1, into: &out).map(\.field)
        #expect(Set(losses) == ["candidates.content.parts", "candidates.groundingMetadata"])
        out.clear()
        #expect(try Gemini.encodeReply(reply, created: 1, into: &out).isEmpty)
        #expect(try Gemini.decodeReply(out) == reply)
    }

    @Test("Pages that the text rests on are annotations, counted in characters")
    func citations() throws {
        let reply = try GeminiFixture.reply(
            GeminiFixture.candidate(
                #"{"text":"Grüße aus Köln."}"#,
                more:
                    #","groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://k.invalid","title":"K"}}],"groundingSupports":[{"segment":{"startIndex":12,"endIndex":17},"groundingChunkIndices":[0]}]}"#
            ))
        var out = ByteBuffer()
        _ = try OpenAIChat.encodeReply(reply, created: 1, into: &out)
        let json = try GeminiFixture.object(out)
        let citation = json[path: "choices.0.message.annotations.0.url_citation"] as? [String: Any]
        #expect(citation?["url"] as? String == "https://k.invalid")
        #expect(citation?["start_index"] as? Int == 10 && citation?["end_index"] as? Int == 14)
        // And the other way: counted in bytes.
        var foreign = reply
        foreign.source = .openAIChat
        foreign.extensions = []
        out.clear()
        _ = try Gemini.encodeReply(foreign, created: 1, into: &out)
        let source = try GeminiFixture.object(out)[path: "candidates.0.citationMetadata.citationSources.0"]
        let members = try #require(source as? [String: Any])
        #expect(members["startIndex"] as? Int == 12 && members["endIndex"] as? Int == 17)
    }

    @Test("Log probabilities in OpenAI's form and back")
    func logprobs() throws {
        let reply = try GeminiFixture.reply(
            GeminiFixture.candidate(
                #"{"text":"Hi"}"#,
                more:
                    #","logprobsResult":{"topCandidates":[{"candidates":[{"token":"Hi","logProbability":-0.5},{"token":"Ho","logProbability":-1}]}],"chosenCandidates":[{"token":"Hi","logProbability":-0.5}]}"#
            ))
        let expected =
            #"{"content":[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[{"token":"Hi","logprob":-0.5,"bytes":[72,105]},{"token":"Ho","logprob":-1,"bytes":[72,111]}]}]}"#
        #expect(reply.choices[0].logprobs?.description == expected)
        var out = ByteBuffer()
        _ = try Gemini.encodeReply(reply, created: 1, into: &out)
        #expect(try Gemini.decodeReply(out).choices[0].logprobs?.description == expected)
    }

    @Test("An image in a reply is kept for this dialect, carried to chat, and told as lost where there are none")
    func image() throws {
        let body = GeminiFixture.candidate(#"{"text":"Here"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#)
        let reply = try GeminiFixture.reply(body)
        #expect(reply.choices[0].content.last == .image(ImagePart(.base64(mediaType: "image/png", data: "AAAA"))))
        var out = ByteBuffer()
        #expect(try OpenAIChat.encodeReply(reply, created: 1, into: &out).isEmpty)
        out.clear()
        #expect(
            try AnthropicMessages.encodeReply(reply, created: 1, into: &out).map(\.field) == [
                "candidates.content.parts.inlineData"
            ])
        out.clear()
        #expect(try Gemini.encodeReply(reply, created: 1, into: &out).isEmpty)
        #expect(try Gemini.decodeReply(out) == reply)
    }

    @Test("A signature that is no base64 is one for Google's SDK, and comes back as it was")
    func foreignSignature() throws {
        for signature in ["sig: not base64!", "AAAA", "rs_123", "ab-_"] {
            let shown = GeminiSignature.write(signature)
            #expect(Base64.decode(shown) != nil && shown.utf8.count % 4 == 0)
            let fromSDK = shown.replacing("+", with: "-").replacing("/", with: "_")
            #expect(GeminiSignature.read(fromSDK) == signature)
        }
    }

    @Test("What is neither a reply nor an error is malformed", arguments: ["{}", "[]", #"{"this":1}"#, "no"])
    func malformed(_ body: String) throws {
        let error = try #require(throws: NeedletailError.self) { try GeminiFixture.reply(body) }
        #expect(error.code == .malformedReply)
        #expect(throws: NeedletailError.self) { try Gemini.inspectReply(ByteBuffer(string: body)) }
    }
}
