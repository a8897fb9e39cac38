import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTesting
import Testing

@Suite("OpenAI chat: requests")
struct OpenAIChatRequestTests {
    static func decode(_ json: String) throws -> ChatRequest {
        try OpenAIChat.decodeRequest(ByteBuffer(string: json))
    }

    static func encode(_ request: ChatRequest) throws -> (json: String, losses: [String]) {
        var out = ByteBuffer()
        let losses = try OpenAIChat.encodeRequest(request, into: &out)
        return (String(buffer: out), losses.map(\.field))
    }

    @Test(
        "A fault is a 400 that names the field",
        arguments: [
            (#"{"messages":[{"role":"user","content":"x"}]}"#, "model"),
            (#"{"model":"m"}"#, "messages"),
            (#"{"model":"m","messages":[]}"#, "messages"),
            (#"{"model":"m","messages":{}}"#, "messages"),
            (#"{"model":1,"messages":[{"role":"user","content":"x"}]}"#, "model"),
            (#"{"model":"m","messages":["x"]}"#, "messages[0]"),
            (#"{"model":"m","messages":[{"content":"x"}]}"#, "messages[0].role"),
            (#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#, "messages[0].role"),
            (#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content"),
            (#"{"model":"m","messages":[{"role":"user","content":5}]}"#, "messages[0].content"),
            (#"{"model":"m","messages":[{"role":"user","content":[{"type":"text"}]}]}"#, "messages[0].content[0].text"),
            (#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#, "messages[0].tool_call_id"),
            (
                #"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}"#,
                "messages[0].content[0].image_url.url"
            ),
            (#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":-1}"#, "max_tokens"),
            (#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"hot"}"#, "temperature"),
            (#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream":"yes"}"#, "stream"),
            (#"{"model":"m","messages":[{"role":"user","content":"x"}],"n":0}"#, "n"),
            (#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":[1]}"#, "stop[0]"),
            (
                #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function"}]}"#,
                "tools[0].function"
            ),
            (
                #"{"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"maybe"}"#,
                "tool_choice"
            ),
        ])
    func fault(_ json: String, _ path: String) throws {
        let error = try #require(throws: NeedletailError.self) { try Self.decode(json) }
        #expect(error.code == .invalidRequest)
        #expect(error.parameter == path)
    }

    @Test("What is no JSON object is a 400", arguments: ["", "[]", "{", "\"x\"", "{\"model\":}"])
    func noObject(_ text: String) throws {
        let error = try #require(throws: NeedletailError.self) { try Self.decode(text) }
        #expect(error.code == .invalidRequest)
    }

    @Test("Every kind of content is read")
    func content() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"developer","content":"d"},
            {"role":"user","name":"ann","content":[
             {"type":"text","text":"t","cache_control":{"type":"ephemeral","ttl":"1h"}},
             {"type":"image_url","image_url":{"url":"data:image/png;base64,AAA","detail":"low"}},
             {"type":"image_url","image_url":"https://x/y.png"},
             {"type":"input_audio","input_audio":{"data":"BBB","format":"mp3"}},
             {"type":"file","file":{"file_data":"data:application/pdf;base64,CCC","filename":"a.pdf"}},
             {"type":"file","file":{"file_id":"file-1"}},
             {"type":"video_url","video_url":{"url":"v"}}]}]}
            """#)
        #expect(request.messages[0] == ChatMessage(.developer, "d"))
        var file = DocumentPart(.base64(mediaType: "application/pdf", data: "CCC"))
        file.title = "a.pdf"
        let parts = request.messages[1].content
        #expect(request.messages[1].name == "ann")
        #expect(parts[0] == .text(TextPart("t", cacheMarker: CacheMarker(lifetime: "1h"))))
        #expect(parts[1] == .image(ImagePart(.base64(mediaType: "image/png", data: "AAA"), detail: "low")))
        #expect(parts[2] == .image(ImagePart(.url("https://x/y.png"))))
        #expect(parts[3] == .audio(AudioPart(data: "BBB", format: "mp3")))
        #expect(parts[4] == .document(file))
        #expect(parts[5] == .document(DocumentPart(.fileID("file-1"))))
        guard case .opaque(let opaque) = parts[6] else {
            Issue.record("an unknown part is kept whole")
            return
        }
        #expect(opaque.type == "video_url" && opaque.dialect == .openAIChat)
    }

    @Test("Thinking survives a round of tools, once")
    func thinking() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,
            "reasoning_content":"hm","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"S"},
            {"type":"redacted_thinking","data":"R"}],
            "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"ok"}]}
            """#)
        #expect(
            request.messages[1].content == [
                .reasoning(ReasoningPart("hm", signature: "S")), .redactedReasoning("R"),
                .toolCall(ToolCall(id: "c1", name: "f", arguments: "{}")),
            ])
        let again = try Self.decode(try Self.encode(request).json)
        #expect(again.messages == request.messages)
    }

    @Test("Unknown fields are kept by their path, and null says nothing")
    func extensions() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","foo":1,"bar":null,"messages":[{"role":"user","weight":1,
            "content":[{"type":"text","text":"x","deep":true}]}],
            "tools":[{"type":"function","function":{"name":"f","odd":2}}]}
            """#)
        #expect(
            Set(request.extensions.map(\.path)) == [
                "foo", "messages.weight", "messages.content.deep", "tools.function.odd",
            ]
        )
        let (json, losses) = try Self.encode(request)
        #expect(json.contains(#""foo":1"#))
        #expect(Set(losses) == ["messages.weight", "messages.content.deep", "tools.function.odd"])
        var foreign = request
        foreign.source = .anthropicMessages
        #expect(try Self.encode(foreign).losses.contains("foo"))
    }

    @Test(
        "Each tool choice comes back as it was",
        arguments: [
            #""auto""#, #""none""#, #""required""#, #"{"type":"function","function":{"name":"f"}}"#,
            #"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
        ])
    func toolChoice(_ choice: String) throws {
        let request = try Self.decode(
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":"#
                + #"{"name":"f","parameters":{"type":"object"},"strict":true}}],"tool_choice":\#(choice)}"#)
        #expect(try Self.encode(request).json.contains(#""tool_choice":\#(choice)"#))
    }

    @Test("Legacy functions are understood and written back")
    func legacy() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","functions":[{"name":"f","parameters":{}}],"function_call":{"name":"f"},"messages":[
            {"role":"user","content":"x"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
            {"role":"function","name":"f","content":"42"}]}
            """#)
        #expect(request.usesLegacyFunctions)
        #expect(request.toolChoice == .tool("f"))
        guard case .toolCall(let call) = request.messages[1].content[0],
            case .toolResult(let result) = request.messages[2].content[0]
        else {
            Issue.record("a call and its result")
            return
        }
        #expect(call.id == result.callID)
        let json = try Self.encode(request).json
        #expect(json.contains(#""functions":[{"name":"f","parameters":{}}],"function_call":{"name":"f"}"#))
        #expect(json.contains(#"{"role":"function","name":"f","content":"42"}"#))
    }

    @Test("A stream asks for its usage, numbers keep their spelling")
    func spelling() throws {
        var request = try Self.decode(
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"seed":15924764223251450000,"temperature":1.0}"#)
        request.isStreaming = true
        request.maxOutputTokens = 9
        let json = try Self.encode(request).json
        #expect(json.contains(#""stream":true,"stream_options":{"include_usage":true}"#))
        #expect(json.contains(#""seed":15924764223251450000"#) && json.contains(#""temperature":1.0"#))
        #expect(json.contains(#""max_tokens":9"#))
    }

    @Test("What another dialect's client says and OpenAI cannot hear is named in the client's words")
    func foreignLosses() throws {
        var request = ChatRequest(model: "m")
        request.source = .anthropicMessages
        request.topK = JSONText(5)
        request.reasoning = ReasoningOptions(mode: .enabled, budgetTokens: 6000, display: "omitted")
        var result = ToolResult(
            callID: "t1",
            content: [.text(TextPart("no file")), .image(ImagePart(.base64(mediaType: "image/png", data: "A")))],
            isError: true)
        result.cacheMarker = CacheMarker()
        request.messages = [
            ChatMessage(.system, [.text(TextPart("s", cacheMarker: CacheMarker()))]),
            ChatMessage(.user, "q"),
            ChatMessage(
                .assistant,
                [
                    .reasoning(ReasoningPart("hm", signature: "S")), .redactedReasoning("R"),
                    .toolCall(ToolCall(id: "t1", name: "f", arguments: "")),
                ]),
            ChatMessage(.user, [.toolResult(result), .text(TextPart("go on"))]),
        ]
        request.tools = [
            Tool(name: "f", kind: .function(parameters: nil)),
            Tool(
                name: "w",
                kind: .provider(
                    type: "web_search", definition: JSONText(unchecked: "{}"), dialect: .anthropicMessages)),
        ]
        let (json, losses) = try Self.encode(request)
        #expect(
            Set(losses) == [
                "top_k", "thinking.budget_tokens", "thinking.display", "system.cache_control",
                "messages.content.cache_control", "messages.content.is_error", "messages.content.content",
                "messages.content.thinking", "messages.content.signature", "messages.content.redacted_thinking",
                "tools",
            ])
        #expect(json.contains(#""reasoning_effort":"medium""#))
        let tool = #"{"role":"tool","tool_call_id":"t1","content":"Error: no file"},{"role":"user","content":["#
        #expect(json.contains(tool))
        #expect(json.contains(#""function":{"name":"f","arguments":"{}"}"#))
        #expect(json.contains(#"{"type":"text","text":"go on"}]}"#))
    }

    @Test("Content that OpenAI cannot hold is refused, not dropped")
    func unsupported() throws {
        var request = ChatRequest(model: "m")
        request.source = .anthropicMessages
        request.messages = [ChatMessage(.user, [.document(DocumentPart(.url("https://x/y.pdf")))])]
        let error = try #require(throws: NeedletailError.self) { try Self.encode(request) }
        #expect(error.code == .unsupported)
    }

    @Test("Another dialect's documents of text are text, since files are PDF")
    func textDocument() throws {
        var request = ChatRequest(model: "m")
        request.source = .anthropicMessages
        let document = DocumentPart(.base64(mediaType: "text/plain", data: "aGk="), title: "t")
        request.messages = [ChatMessage(.user, [.document(document)])]
        let (json, losses) = try Self.encode(request)
        #expect(json.contains(#"{"type":"text","text":"t\n\nhi"}"#))
        #expect(losses == ["messages.content.source"])
        request.source = .openAIChat
        #expect(try Self.encode(request).0.contains(#""file_data":"data:text/plain;base64,aGk=""#))
    }

    @Test("Every field has a name in every dialect", arguments: ModelField.allCases)
    func names(_ field: ModelField) {
        for dialect in DialectID.spelledOut {
            let name = field.name(in: dialect)
            #expect(!name.isEmpty && !name.contains("["))
        }
    }
}
