import HTTPTypes
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Cohere chat: requests and replies")
struct CohereChatTests {
    private static func decode(_ text: String) throws -> ChatRequest {
        try CohereChat.decodeRequest(ByteBuffer(string: text))
    }

    private static func encode(_ request: ChatRequest) throws -> (String, [String]) {
        var out = ByteBuffer()
        let losses = try CohereChat.encodeRequest(request, into: &out)
        return (String(buffer: out), losses.map(\.field))
    }

    @Test("Every field is read, and written as it was")
    func fields() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"x"},
            {"type":"image_url","image_url":{"url":"https://a/b.png","detail":"low"}}]},
            {"role":"assistant","tool_plan":"I look.","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},
            {"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"r"}]}],
            "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],
            "strict_tools":true,"tool_choice":"REQUIRED","response_format":{"type":"json_object","schema":{"type":"object"}},
            "max_tokens":9,"stop_sequences":["a"],"temperature":0.30,"p":0.5,"k":4,"seed":7,"frequency_penalty":0.1,
            "presence_penalty":0.2,"logprobs":true,"thinking":{"type":"enabled","token_budget":100},
            "safety_mode":"STRICT","stream":true}
            """#)
        #expect(request.toolChoice == .required && request.tools.first?.isStrict == true)
        #expect(request.reasoning == ReasoningOptions(mode: .enabled, budgetTokens: 100))
        #expect(request.temperature?.description == "0.30" && request.topK?.description == "4" && request.isStreaming)
        #expect(request.messages[2].content.first == .text(TextPart("I look.")))
        #expect(request.extensions.map(\.path) == ["safety_mode"])
        let (text, losses) = try Self.encode(request)
        #expect(losses == [])
        #expect(text.contains(#""json_schema":{"type":"object"}"#))
        #expect(try Self.decode(text) == request)
    }

    @Test("Documents come before what the user said last, and go back beside the conversation")
    func documents() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},
            {"role":"user","content":"c"}],"documents":["plain",{"data":{"title":"t","text":"x"}},
            {"data":{"text":"x","url":"u"}},{"data":"string"}],"citation_options":{"mode":"OFF"}}
            """#)
        let parts = request.messages[2].content.compactMap { if case .document(let part) = $0 { part } else { nil } }
        #expect(
            parts.map(\.source) == [.text("plain"), .text("x"), .text(#"{"text":"x","url":"u"}"#), .text("string")])
        #expect(parts.map(\.title) == [nil, "t", nil, nil])
        #expect(parts.allSatisfy { $0.citationsEnabled == false })
        let (text, _) = try Self.encode(request)
        #expect(try Self.decode(text).messages == request.messages)
        #expect(text.contains(#""citation_options":{"mode":"OFF"}"#))
        var other = request
        other.source = .anthropicMessages
        other.extensions = []
        #expect(try Self.encode(other).0.contains(#""citation_options":{"mode":"OFF"}"#))
    }

    @Test("What a tool answered is text, whatever the form")
    func outputs() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"c",
            "type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[
            {"type":"document","document":{"id":"d1","data":{"output":"5"}}},{"type":"document","document":{"data":"s"}}]}]}
            """#)
        let result = ToolResult(callID: "c", content: [.text(TextPart(#"{"output":"5"}"#)), .text(TextPart("s"))])
        #expect(request.messages.last?.content == [.toolResult(result)])
        #expect(request.extensions.map(\.path) == ["messages.content.document.id"])
    }

    @Test("A choice of one tool is a demand where only that tool is shown")
    func choice() throws {
        var request = ChatRequest(model: "m", messages: [.user("x")])
        request.source = .openAIChat
        request.tools = ["f", "g"].map { Tool(name: $0, kind: .function(parameters: nil)) }
        request.toolChoice = .tool("g")
        let (text, losses) = try Self.encode(request)
        #expect(text.contains(#""tool_choice":"REQUIRED""#) && !text.contains(#""name":"f""#) && losses == [])
        request.toolChoice = ToolChoice.none
        #expect(try Self.encode(request).0.contains(#""tool_choice":"NONE""#))
        request.toolChoice = .auto
        #expect(try !Self.encode(request).0.contains("tool_choice"))
    }

    @Test("What would be another request without it is refused; what is only lost is named")
    func refused() throws {
        func refuse(_ parameter: String, _ change: (inout ChatRequest) -> Void) {
            var request = ChatRequest(model: "m", messages: [.user("x")])
            request.source = .openAIChat
            change(&request)
            let error = #expect(throws: NeedletailError.self) { try Self.encode(request) }
            #expect(error?.code == .unsupported && error?.parameter == parameter)
        }
        refuse("n") { $0.choiceCount = 2 }
        refuse("modalities") { $0.modalities = ["audio"] }
        refuse("messages.content.file") {
            $0.messages = [
                ChatMessage(.user, [.document(DocumentPart(.base64(mediaType: "application/pdf", data: "AA")))])
            ]
        }
        var request = ChatRequest(model: "m", messages: [.user("x")])
        request.source = .openAIChat
        request.logitBias = JSONText(unchecked: "{}")
        request.endUser = "u"
        request.topLogprobs = 2
        #expect(try Self.encode(request).1 == ["top_logprobs", "logit_bias", "user"])
    }

    @Test(
        "A wrong field is named",
        arguments: [
            (#"{"messages":[]}"#, "model"), (#"{"model":"m"}"#, "messages"),
            (#"{"model":"m","messages":[]}"#, "messages"),
            (#"{"model":"m","messages":[{"role":"bot","content":""}]}"#, "messages[0].role"),
            (#"{"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"MAYBE"}"#, "tool_choice"),
            (#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#, "messages[0].tool_call_id"),
            (#"{"model":"m","messages":[{"role":"user","content":[{"text":"x"}]}]}"#, "messages[0].content[0].type"),
        ])
    func faults(_ text: String, _ parameter: String) {
        let error = #expect(throws: NeedletailError.self) { try Self.decode(text) }
        #expect(error?.code == .invalidRequest && error?.parameter == parameter)
    }

    @Test(
        "Every finish reason has its sense",
        arguments: [
            ("COMPLETE", .endTurn), ("MAX_TOKENS", .maxTokens), ("STOP_SEQUENCE", .stopSequence),
            ("TOOL_CALL", .endTurn), ("NEW", .other("NEW")),
        ] as [(String, StopReason)])
    func reasons(_ word: String, _ reason: StopReason) throws {
        let body = #"{"id":"r","message":{"role":"assistant","content":null},"finish_reason":"\#(word)"}"#
        let reply = try CohereChat.decodeReply(ByteBuffer(string: body))
        #expect(reply.choices[0].stopReason == reason && reply.usage == nil)
    }

    @Test("A 200 that ended in an error is an error", arguments: [("ERROR", 502), ("TIMEOUT", 504)])
    func failedReply(_ word: String, _ status: Int) {
        let body = #"{"id":"r","message":{"role":"assistant","content":[]},"finish_reason":"\#(word)"}"#
        let error = #expect(throws: NeedletailError.self) { try CohereChat.decodeReply(ByteBuffer(string: body)) }
        #expect(error?.disposition.status == status && error?.mayHaveBeenProcessed == true)
        #expect(throws: NeedletailError.self) { try CohereChat.inspectReply(ByteBuffer(string: body)) }
    }

    @Test("Null and absent arguments are a call without any")
    func nullArguments() throws {
        let body =
            #"{"id":"r","message":{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":null}},"#
            + #"{"function":{"name":"g"}}]},"finish_reason":"COMPLETE"}"#
        let reply = try CohereChat.decodeReply(ByteBuffer(string: body))
        #expect(reply.toolCalls.map(\.arguments) == ["", ""] && reply.toolCalls.map(\.id) == ["a", "call_r_0_1"])
        #expect(reply.choices[0].stopReason == .toolCalls)
    }

    @Test("What was processed is the usage, what is billed goes along")
    func usage() throws {
        let body =
            #"{"id":"r","message":{"role":"assistant","content":[]},"finish_reason":"COMPLETE","usage":{"billed_units":"#
            + #"{"input_tokens":5,"output_tokens":6},"tokens":{"input_tokens":50,"output_tokens":60,"reasoning_tokens":20},"#
            + #""cached_tokens":48}}"#
        let usage = try #require(try CohereChat.inspectReply(ByteBuffer(string: body)))
        #expect(usage.inputTokens == 50 && usage.outputTokens == 60)
        #expect(usage.cachedInputTokens == 48 && usage.reasoningTokens == 20)
        #expect(usage.extensions.map(\.path) == ["billed_units"])
        let billed =
            #"{"id":"r","message":{"role":"assistant"},"usage":{"billed_units":{"input_tokens":5,"output_tokens":6}}}"#
        #expect(try CohereChat.inspectReply(ByteBuffer(string: billed))?.inputTokens == 5)
    }

    @Test("Citations of other dialects become spans of the text")
    func citations() throws {
        var cited = TextPart("blue")
        cited.citations = JSONText(
            unchecked: #"[{"type":"char_location","cited_text":"it is blue","document_index":1,"document_title":"t"}]"#)
        cited.citationDialect = .anthropicMessages
        var reply = ChatResponse(
            id: "r", model: "m",
            choices: [ChatChoice(content: [.text(TextPart("It is ")), .text(cited)], stopReason: .endTurn)])
        reply.source = .anthropicMessages
        var out = ByteBuffer()
        #expect(try CohereChat.encodeReply(reply, created: 0, into: &out) == [])
        #expect(
            String(buffer: out).contains(
                #""citations":[{"start":6,"end":10,"text":"blue","sources":[{"type":"document","id":"doc:1","document":"#
                    + #"{"id":"doc:1","title":"t","text":"it is blue"}}],"type":"TEXT_CONTENT"}]"#))
    }

    @Test("Errors have Cohere's own shape")
    func failures() {
        var out = ByteBuffer()
        let status = CohereChat.encodeFailure(NeedletailError(.rateLimited, "slow"), requestID: "r", into: &out)
        #expect(status == 429 && String(buffer: out) == #"{"id":"r","message":"slow"}"#)
        let error = CohereChat.decodeFailure(
            status: 498, headers: [:], body: ByteBuffer(string: #"{"id":"q","message":"invalid token"}"#))
        #expect(error.code == .credentialRejected && error.upstream?.requestID == "q" && error.upstream?.status == 498)
    }
}
