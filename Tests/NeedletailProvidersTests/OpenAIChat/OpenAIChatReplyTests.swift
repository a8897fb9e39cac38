import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders
import Testing

@Suite("OpenAI chat: replies and failures")
struct OpenAIChatReplyTests {
    static func decode(_ message: String, finish: String, more: String = "") throws -> ChatResponse {
        try OpenAIChat.decodeReply(
            ByteBuffer(
                string:
                    #"{"id":"r","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":"#
                    + message + #","finish_reason":"# + finish + "}]" + more + "}"))
    }

    static func encode(_ reply: ChatResponse) throws -> (json: String, losses: [String]) {
        var out = ByteBuffer()
        let losses = try OpenAIChat.encodeReply(reply, created: 5, into: &out)
        return (String(buffer: out), losses.map(\.field))
    }

    @Test(
        "Each ending is understood",
        arguments: [
            ("\"stop\"", StopReason.endTurn), ("\"eos\"", .endTurn), ("\"eos_token\"", .endTurn),
            ("\"length\"", .maxTokens), ("\"MAX_TOKENS\"", .maxTokens),
            ("\"model_context_window_exceeded\"", .contextWindow),
            ("\"content_filter\"", .contentFilter), ("\"sensitive\"", .contentFilter),
            ("\"insufficient_system_resource\"", .other("insufficient_system_resource")),
        ])
    func endings(_ spelled: String, _ reason: StopReason) throws {
        #expect(try Self.decode(#"{"content":"x"}"#, finish: spelled).choices[0].stopReason == reason)
    }

    @Test("A call is a call whatever the ending says; a refusal is one")
    func calls() throws {
        let call =
            #"{"content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}"#
        for finish in ["\"stop\"", "\"tool_call\"", "\"\"", "null"] {
            #expect(try Self.decode(call, finish: finish).choices[0].stopReason == .toolCalls)
        }
        let refusal = try Self.decode(#"{"content":null,"refusal":"no"}"#, finish: "\"stop\"")
        #expect(refusal.choices[0].stopReason == .refusal)
        let other = try Self.decode(#"{"content":null,"refusal":"no"}"#, finish: "\"brand_new\"")
        #expect(other.choices[0].stopReason == .refusal)
        let json = try Self.encode(refusal).json
        #expect(json.contains(#""content":null,"refusal":"no""#) && json.contains(#""finish_reason":"stop""#))
    }

    @Test(
        "What the model has no place for is named",
        arguments: [
            (#"{"content":"x","custom":{"a":1}}"#, "choices.message.custom"),
            (
                #"{"content":"x","reasoning_details":[{"type":"reasoning.other","format":"other-v1","data":"d"}]}"#,
                "choices.message.reasoning_details.data"
            ),
        ])
    func unknown(_ message: String, _ name: String) throws {
        let reply = try Self.decode(message, finish: #""stop","native_finish_reason":"END""#)
        for client in DialectID.allCases where client != .openAIChat {
            var out = ByteBuffer()
            let losses = try client.dialect.encodeReply(reply, created: 1, into: &out).map(\.field)
            #expect(losses.contains(name) && losses.contains("choices.native_finish_reason"), "\(losses)")
        }
        #expect(try Self.encode(reply).json.contains("native") == false)
    }

    @Test("Counters that the model has no place for are named, whoever the client is")
    func counters() throws {
        let usage = #","usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"cost":0.5}"#
        let reply = try Self.decode(#"{"content":"x"}"#, finish: "\"stop\"", more: usage)
        let google = try Gemini.decodeReply(
            ByteBuffer(
                string:
                    #"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}],"usageMetadata":"#
                    + #"{"promptTokenCount":1,"candidatesTokenCount":1,"trafficType":"ON_DEMAND"}}"#))
        for client in DialectID.allCases {
            for (reply, name) in [(reply, "usage.cost"), (google, "usageMetadata.trafficType")]
            where reply.source != client && (client != .openAICompletions || reply.source != .openAIChat) {
                var out = ByteBuffer()
                let losses = try client.dialect.encodeReply(reply, created: 1, into: &out).map(\.field)
                #expect(losses.contains(name), "\(client): \(losses)")
            }
        }
    }

    @Test("TGI's call without a list around it, and Databricks' reasoning, are read")
    func shapes() throws {
        let call = #"{"index":0,"id":"0","type":"function","function":{"name":"f","arguments":{"a":1}}}"#
        let calls = try Self.decode(#"{"tool_calls":\#(call)}"#, finish: #""eos_token""#).choices[0]
        #expect(calls.content == [.toolCall(ToolCall(id: "0", name: "f", arguments: #"{"a":1}"#))])
        #expect(calls.stopReason == .toolCalls)
        let reasoning =
            #"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm","signature":"s"}]},"#
            + #"{"type":"text","text":"x"}]}"#
        let reply = try Self.decode(reasoning, finish: #""stop""#)
        #expect(
            reply.choices[0].content == [.reasoning(ReasoningPart("hm", signature: "s")), .text(TextPart("x"))])
        #expect(reply.extensions.isEmpty, "\(reply.extensions)")
    }

    @Test("An error in a choice that holds nothing else is thrown; one beside an answer is told as lost")
    func choiceErrors() throws {
        let error = #""error","error":{"code":429,"message":"slow down"}"#
        let thrown = try #require(throws: NeedletailError.self) { try Self.decode(#"{"content":""}"#, finish: error) }
        #expect(thrown.code == .rateLimited && thrown.message.contains("slow down"))
        let reply = try Self.decode(#"{"content":"so far"}"#, finish: error)
        #expect(reply.extensions.map(\.path) == ["choices.error"])
    }

    @Test("Google's signature beside a message is the first call's, or the text's")
    func messageSignature() throws {
        let google = #""extra_content":{"google":{"thought_signature":"S"}}"#
        let call = #""tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]"#
        let signature = ContentPart.reasoning(ReasoningPart("", signature: "S"))
        let calls = try Self.decode("{\(google),\(call)}", finish: "\"stop\"")
        #expect(calls.choices[0].content.first == signature && calls.choices[0].content.count == 2)
        let text = try Self.decode(#"{"content":"x","# + google + "}", finish: "\"stop\"")
        #expect(text.choices[0].content == [.text(TextPart("x")), signature])
    }

    @Test(
        "Usage in every spelling",
        arguments: [
            (
                #"{"prompt_tokens":401,"completion_tokens":44,"total_tokens":702,"completion_tokens_details":{"reasoning_tokens":257}}"#,
                401, 301, nil as Int?
            ),
            (#"{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"prompt_cache_hit_tokens":4}"#, 9, 2, 4),
            (#"{"prompt_tokens":9.0,"completion_tokens":null,"total_tokens":null,"cached_tokens":3}"#, 9, 0, 3),
            (#"{"prompt_tokens":7,"total_tokens":9,"completion_tokens":2,"cached_tokens":150}"#, 7, 2, 7),
            (#"{"prompt_tokens":9,"completion_tokens":-5}"#, 9, 0, nil),
            (#"{"prompt_tokens":"9","completion_tokens":"2","total_tokens":"11"}"#, 9, 2, nil),
        ])
    func usage(_ json: String, _ input: Int, _ output: Int, _ cached: Int?) throws {
        let reply = try Self.decode(#"{"content":"x"}"#, finish: "\"stop\"", more: #","usage":"# + json)
        #expect(reply.usage?.inputTokens == input)
        #expect(reply.usage?.outputTokens == output)
        #expect(reply.usage?.cachedInputTokens == cached)
    }

    @Test("An error inside a 200 is thrown, and what has no choices is no reply")
    func hiddenErrors() throws {
        for (body, code) in [
            (#"{"error":{"message":"m","code":"content_filter","status":400}}"#, NeedletailError.Code.invalidRequest),
            (#"{"code":"x y","error":"boom"}"#, .upstreamFailed), (#"{"ok":true}"#, .malformedReply),
            // OpenRouter's, where nothing else was said.
            (
                #"{"choices":[{"message":{"content":""},"finish_reason":"error","error":{"message":"m","code":429}}]}"#,
                .rateLimited
            ),
            ("<html></html>", .malformedReply), ("", .malformedReply), (#"{"choices":[]} x"#, .malformedReply),
        ] {
            let bytes = ByteBuffer(string: body)
            #expect(try #require(throws: NeedletailError.self) { try OpenAIChat.decodeReply(bytes) }.code == code)
            #expect(try #require(throws: NeedletailError.self) { try OpenAIChat.inspectReply(bytes) }.code == code)
        }
    }

    @Test("An error in the choice of a 200 that says something is a reason to stop")
    func interrupted() throws {
        let body = ByteBuffer(
            string:
                #"{"choices":[{"message":{"content":"half"},"finish_reason":"error","error":{"message":"m","code":429}}]}"#
        )
        _ = try OpenAIChat.inspectReply(body)
        #expect(try OpenAIChat.decodeReply(body).choices.first?.stopReason == .other("error"))
    }

    @Test("A reply from elsewhere is what OpenAI would write, and says what is lost")
    func foreign() throws {
        var reply = ChatResponse(id: "", model: "c")
        reply.source = .anthropicMessages
        var text = TextPart("See it.")
        text.citations = JSONText(
            unchecked:
                #"[{"type":"web_search_result_location","url":"https://u","title":"T"},{"type":"char_location"}]"#)
        text.citationDialect = .anthropicMessages
        reply.choices = [
            ChatChoice(
                content: [.reasoning(ReasoningPart("hm", signature: "S")), .text(text)], stopReason: .pauseTurn)
        ]
        reply.usage = Usage(inputTokens: 10, outputTokens: 2)
        reply.usage?.cachedInputTokens = 4
        reply.usage?.cacheWriteTokens = 3
        let (json, losses) = try Self.encode(reply)
        #expect(losses == ["stop_reason", "content.citations"])
        #expect(json.hasPrefix(#"{"id":"chatcmpl-5","object":"chat.completion","created":5,"model":"c""#))
        #expect(json.contains(#""reasoning_content":"hm","thinking_blocks":[{"type":"thinking""#))
        #expect(json.contains(#""url_citation":{"start_index":0,"end_index":7,"url":"https://u","title":"T"}"#))
        #expect(json.contains(#""cached_tokens":4"#) && json.contains(#""cache_creation_input_tokens":3"#))
    }

    @Test(
        "Failures are told apart",
        arguments: [
            (
                401, #"{"error":{"message":"Incorrect API key provided: sk-abcdefghijkl.","code":"invalid_api_key"}}"#,
                "credentialRejected"
            ),
            (400, #"{"code":"Client specified","error":"Incorrect API key provided: xa***zz."}"#, "credentialRejected"),
            (
                429, #"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                "quotaExhausted"
            ),
            (429, #"{"error":{"message":"m","code":"rate_limit_exceeded"}}"#, "rateLimited"),
            (
                403, #"{"error":{"message":"You are not allowed to sample from this model","code":null}}"#,
                "modelForbidden"
            ),
            (400, #"{"error":{"message":"m","code":"model_not_found"}}"#, "notFound"),
            (400, #"{"error":{"message":"m","code":"context_length_exceeded"}}"#, "invalidRequest"),
            (404, "Not Found", "notFound"), (502, "<html><body>nginx sk-12345678901</body></html>", "upstreamFailed"),
            (400, #"{"error":["a","b"]}"#, "invalidRequest"),
            (401, #"{"detail":"Unauthorized"}"#, "credentialRejected"),
            (400, #"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT"}}]"#, "invalidRequest"),
            (503, "", "overloaded"),
        ])
    func failures(_ status: Int, _ body: String, _ code: String) {
        let error = OpenAIChat.decodeFailure(status: status, headers: [:], body: ByteBuffer(string: body))
        #expect(error.code.description == code)
        #expect(!error.message.isEmpty && !error.message.contains("sk-") && !error.message.contains("<"))
    }

    @Test(
        "How long to wait",
        arguments: [
            (["retry-after": "2"], "", Duration.seconds(2)),
            (["retry-after": "1", "retry-after-ms": "0"], "", .seconds(1)),
            (["retry-after": "9", "retry-after-ms": "250"], "", .milliseconds(250)),
            (["x-ratelimit-reset-requests": "11m31.2s"], "", .milliseconds(691_200)),
            (["x-ratelimit-reset-tokens": "120ms", "x-ratelimit-remaining-tokens": "0"], "", .milliseconds(120)),
            ([:], "Limit reached. Please try again in 11.054s. Thanks", .milliseconds(11_054)),
        ])
    func waits(_ given: [String: String], _ message: String, _ wait: Duration) throws {
        var headers = HTTPFields()
        for (name, value) in given { headers[try #require(HTTPField.Name(name))] = value }
        let body = ByteBuffer(string: #"{"error":{"message":"\#(message)"}}"#)
        #expect(OpenAIChat.decodeFailure(status: 429, headers: headers, body: body).retryAfter == wait)
    }

    @Test("A key that a provider repeats does not reach anybody")
    func redaction() {
        let body = #"{"error":{"message":"Bad tokens sk-proj-abcdefgh1234 and Bearer abcdefgh, see task-sheet"}}"#
        let error = OpenAIChat.decodeFailure(status: 400, headers: [:], body: ByteBuffer(string: body))
        #expect(error.message == "Bad tokens [redacted] and [redacted], see task-sheet")
    }

    @Test("An error has OpenAI's shape, and the provider's detail only where the client can act on it")
    func encodeFailure() {
        var error = NeedletailError(.invalidRequest, "too \"long\"")
        error.upstream = NeedletailError.Upstream(status: 400, code: "context_length_exceeded", parameter: "messages")
        var out = ByteBuffer()
        #expect(OpenAIChat.encodeFailure(error, requestID: "q", into: &out) == 400)
        #expect(
            String(buffer: out)
                == #"{"error":{"message":"too \"long\"","type":"invalid_request_error","param":"messages","#
                + #""code":"context_length_exceeded"}}"#)
        error.code = .upstreamFailed
        out = ByteBuffer()
        OpenAIChat.encodeStreamFailure(error, requestID: "q", into: &out)
        #expect(
            String(buffer: out)
                == #"data: {"error":{"message":"too \"long\"","type":"server_error","param":null,"code":"provider_error"}}"#
                + "\n\n")
    }
}
