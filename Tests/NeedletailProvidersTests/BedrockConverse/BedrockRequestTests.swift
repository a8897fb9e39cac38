import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Bedrock Converse requests")
struct BedrockRequestTests {
    private static func decode(_ json: String) throws(NeedletailError) -> ChatRequest {
        try BedrockConverse.decodeRequest(ByteBuffer(string: json))
    }

    /// What is written for a request, and what was lost.
    private static func encode(_ request: ChatRequest) throws -> (json: [String: Any], losses: [String]) {
        var out = ByteBuffer()
        let losses = try BedrockConverse.encodeRequest(request, into: &out)
        let json = try JSONSerialization.jsonObject(with: Data(out.readableBytesView))
        return (try #require(json as? [String: Any]), losses.map(\.field))
    }

    private static func text(_ value: Any?) -> String { BedrockPlainReply.canonical(value ?? [:]) }

    @Test("all that the model has a place for is read")
    func decoding() throws {
        let request = try Self.decode(
            #"""
            {"system":[{"text":"Be brief."},{"cachePoint":{"type":"default","ttl":"1h"}}],
             "messages":[
              {"role":"user","content":[{"text":"See"},{"image":{"format":"jpeg","source":{"bytes":"AAAA"}}},
                {"document":{"format":"pdf","name":"plan","source":{"bytes":"BBBB"},"context":"c","citations":{"enabled":true}}},
                {"image":{"format":"png","source":{"s3Location":{"uri":"s3://b/k.png"}}}}]},
              {"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"sig"}}},
                {"reasoningContent":{"redactedContent":"enp6"}},
                {"toolUse":{"toolUseId":"t1","name":"f","input":{"a":1}}}]},
              {"role":"user","content":[{"toolResult":{"toolUseId":"t1","status":"error","content":[{"text":"no"},{"json":{"b":2}}]}},
                {"text":"And?"}]}],
             "inferenceConfig":{"maxTokens":500,"temperature":0.5,"topP":0.9,"stopSequences":["END"]},
             "toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"d","inputSchema":{"json":{"type":"object"}}}},
               {"cachePoint":{"type":"default"}},{"systemTool":{"name":"nova_grounding"}}],"toolChoice":{"tool":{"name":"f"}}},
             "additionalModelRequestFields":{"thinking":{"type":"enabled","budget_tokens":2000},"top_k":40,"other":true},
             "outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\"}","name":"n"}}}},
             "serviceTier":{"type":"flex"},"requestMetadata":{"user_id":"u1","team":"x"},
             "guardrailConfig":{"guardrailIdentifier":"g"}}
            """#)
        #expect(request.messages.map(\.role) == [.system, .user, .assistant, .tool, .user])
        #expect(request.messages[0].content == [.text(TextPart("Be brief.", cacheMarker: CacheMarker(lifetime: "1h")))])
        var document = DocumentPart(.base64(mediaType: "application/pdf", data: "BBBB"), title: "plan")
        document.context = "c"
        document.citationsEnabled = true
        #expect(
            request.messages[1].content == [
                .text(TextPart("See")), .image(ImagePart(.base64(mediaType: "image/jpeg", data: "AAAA"))),
                .document(document), .image(ImagePart(.fileID("s3://b/k.png"))),
            ])
        #expect(
            request.messages[2].content == [
                .reasoning(ReasoningPart("hm", signature: "sig")), .redactedReasoning("enp6"),
                .toolCall(ToolCall(id: "t1", name: "f", arguments: #"{"a":1}"#)),
            ])
        let result = ToolResult(
            callID: "t1", content: [.text(TextPart("no")), .text(TextPart(#"{"b":2}"#))], isError: true)
        #expect(request.messages[3].content == [.toolResult(result)])
        #expect(request.maxOutputTokens == 500)
        #expect(request.temperature?.description == "0.5")
        #expect(request.topK?.description == "40")
        #expect(request.stopSequences == ["END"])
        #expect(request.tools.map(\.name) == ["f", "nova_grounding"])
        #expect(request.tools[0].cacheMarker == CacheMarker())
        #expect(request.toolChoice == .tool("f"))
        #expect(request.reasoning == ReasoningOptions(mode: .enabled, budgetTokens: 2000))
        #expect(
            request.responseFormat
                == .jsonSchema(
                    name: "n", description: nil, schema: JSONText(unchecked: #"{"type":"object"}"#), isStrict: nil))
        #expect(request.serviceTier == "flex")
        #expect(request.endUser == "u1")
        #expect(
            Set(request.extensions.map(\.path))
                == ["additionalModelRequestFields.other", "requestMetadata.team", "guardrailConfig"])
    }

    @Test(
        "what is wrong is named by its path",
        arguments: [
            (#"{"messages":{}}"#, "messages"),
            (#"{"messages":[{"role":"user","content":[{"text":1}]}]}"#, "messages.0.content.0.text"),
            (#"{"messages":[{"role":"robot","content":[]}]}"#, "messages.0.role"),
            (#"{"messages":[],"inferenceConfig":{"maxTokens":0}}"#, "inferenceConfig.maxTokens"),
            (
                #"{"messages":[],"toolConfig":{"tools":[{"toolSpec":{"name":"f"}}]}}"#,
                "toolConfig.tools.0.toolSpec.inputSchema.json"
            ),
            (
                #"{"messages":[{"role":"user","content":[{"image":{"format":"png"}}]}]}"#,
                "messages.0.content.0.image.source"
            ),
        ])
    func faults(_ json: String, _ path: String) {
        let error = #expect(throws: NeedletailError.self) { try Self.decode(json) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == path)
    }

    @Test("calls that Bedrock answered itself, and what only it knows, stay whole and are nobody's calls")
    func opaque() throws {
        let request = try Self.decode(
            #"""
            {"messages":[{"role":"assistant","content":[
              {"toolUse":{"toolUseId":"t","name":"nova_code_interpreter","input":{},"type":"server_tool_use"}},
              {"toolResult":{"toolUseId":"t","content":[{"json":{}}],"type":"nova_code_interpreter_result"}},
              {"video":{"format":"mp4","source":{"bytes":"AA"}}}]}]}
            """#)
        let types = request.messages[0].content.map { part in
            if case .opaque(let part) = part { part.type } else { "?" }
        }
        #expect(types == ["toolUse", "toolResult", "video"])
    }

    @Test("what a guardrail looks at is said to models without one too, and told")
    func guarded() throws {
        let request = try Self.decode(
            #"""
            {"messages":[{"role":"user","content":[
              {"guardContent":{"text":{"text":"What?","qualifiers":["query"]}}},
              {"guardContent":{"image":{"format":"png","source":{"bytes":"QUJD"}}}}]}]}
            """#)
        let image = ImagePart(.base64(mediaType: "image/png", data: "QUJD"))
        #expect(request.messages[0].content == [.text(TextPart("What?")), .image(image)])
        var out = ByteBuffer()
        let losses = try AnthropicMessages.encodeRequest(request, into: &out)
        #expect(losses.map(\.field) == ["messages.content.guardContent"])
        #expect(String(buffer: out).contains(#""text":"What?""#))
    }

    @Test("a document in passages stays divided for those who cite passages, and is one text for the others")
    func passages() throws {
        let document =
            #"{"format":"txt","name":"d","source":{"content":[{"text":"One."},{"text":"Two."}]},"citations":{"enabled":true}}"#
        let json = #"{"messages":[{"role":"user","content":[{"document":\#(document)},{"text":"?"}]}]}"#
        var request = try Self.decode(json)
        guard case .document(let part) = request.messages[0].content[0] else {
            Issue.record("no document")
            return
        }
        #expect(part.source == .text("One.\n\nTwo.") && part.passages == ["One.", "Two."])
        let again = try Self.encode(request).json
        #expect(Self.text(again).contains(#""content":[{"text":"One."},{"text":"Two."}]"#))
        request.model = "claude-sonnet-4-5"
        request.maxOutputTokens = 10
        var out = ByteBuffer()
        _ = try AnthropicMessages.encodeRequest(request, into: &out)
        let source =
            #""source":{"type":"content","content":[{"type":"text","text":"One."},{"type":"text","text":"Two."}]}"#
        #expect(String(buffer: out).contains(source))
        let read = try AnthropicMessages.decodeRequest(out)
        #expect(read.messages[0].content[0] == .document(part))
        out.clear()
        _ = try OpenAIChat.encodeRequest(request, into: &out)
        #expect(String(buffer: out).contains(#"d\n\nOne.\n\nTwo."#))
    }

    @Test("another dialect's request is put into Converse's words")
    func encoding() throws {
        var request = ChatRequest(
            model: "anthropic.claude-sonnet-4-5",
            messages: [
                .system("Be brief."), .user("Look"),
                ChatMessage(.assistant, [.toolCall(ToolCall(id: "call 1", name: "f", arguments: ""))]),
                .toolResult("call 1", "done", isError: false),
                .system("Now in French."),
            ])
        request.source = .openAIChat
        request.tools = [Tool(name: "f", description: "", kind: .function(parameters: nil), isStrict: true)]
        request.toolChoice = .required
        request.maxOutputTokens = 300
        request.temperature = JSONText(unchecked: "1.5")
        request.topK = JSONText(10)
        request.stopSequences = ["END", " "]
        request.endUser = "u@example.com"
        request.seed = JSONText(1)
        let (json, losses) = try Self.encode(request)
        #expect(Self.text(json["system"]) == #"[{"text":"Be brief."}]"#)
        let messages = try #require(json["messages"] as? [[String: Any]])
        #expect(messages.map { $0["role"] as? String } == ["user", "assistant", "user"])
        #expect(
            Self.text(messages[1]["content"]) == #"[{"toolUse":{"input":{},"name":"f","toolUseId":"call_1"}}]"#)
        #expect(
            Self.text(messages[2]["content"])
                == #"[{"toolResult":{"content":[{"text":"done"}],"status":"success","toolUseId":"call_1"}},{"text":"Now in French."}]"#
        )
        #expect(
            Self.text(json["toolConfig"])
                == #"{"toolChoice":{"any":{}},"tools":[{"toolSpec":{"inputSchema":{"json":{"properties":{},"type":"object"}},"name":"f","strict":true}}]}"#
        )
        #expect(
            Self.text(json["inferenceConfig"]) == #"{"maxTokens":300,"stopSequences":["END"],"temperature":1}"#)
        #expect(Self.text(json["additionalModelRequestFields"]) == #"{"top_k":10}"#)
        #expect(Self.text(json["additionalModelResponseFieldPaths"]) == #"["\/stop_sequence"]"#)
        #expect(Self.text(json["requestMetadata"]) == #"{"user_id":"u@example.com"}"#)
        #expect(json["model"] == nil && json["stream"] == nil)
        #expect(Set(losses) == ["messages.role", "temperature", "stop", "seed"])
    }

    @Test(
        "reasoning goes in the words of the model's vendor",
        arguments: [
            (
                "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
                #"{"thinking":{"budget_tokens":16384,"type":"enabled"}}"#, [:]
            ),
            ("anthropic.claude-opus-4-6-v1", #"{"thinking":{"type":"adaptive"}}"#, ["effort": "high"]),
            ("us.amazon.nova-2-lite-v1:0", #"{"reasoningConfig":{"maxReasoningEffort":"high","type":"enabled"}}"#, [:]),
            ("openai.gpt-oss-120b-1:0", #"{"reasoning_effort":"high"}"#, [:]),
            ("meta.llama3-70b-instruct-v1:0", "{}", [:]),
        ] as [(String, String, [String: String])])
    func reasoning(_ model: String, _ fields: String, _ output: [String: String]) throws {
        var request = ChatRequest(model: model, messages: [.user("x")])
        request.source = .openAIChat
        request.reasoning = ReasoningOptions(effort: "high")
        let (json, losses) = try Self.encode(request)
        #expect(Self.text(json["additionalModelRequestFields"]) == fields)
        #expect(json["outputConfig"] as? [String: String] ?? [:] == output)
        #expect(losses.isEmpty == (fields != "{}"))
    }

    @Test("a schema is JSON in a string, and comes back")
    func schema() throws {
        var request = ChatRequest(model: "m", messages: [.user("x")])
        request.source = .openAIChat
        let schema = JSONText(unchecked: #"{"type":"object","title":"a \"b\""}"#)
        request.responseFormat = .jsonSchema(name: "n", description: "d", schema: schema, isStrict: true)
        var out = ByteBuffer()
        #expect(try BedrockConverse.encodeRequest(request, into: &out) == [])
        let read = try BedrockConverse.decodeRequest(out)
        #expect(read.responseFormat == .jsonSchema(name: "n", description: "d", schema: schema, isStrict: nil))
    }

    @Test("tools that are only spoken of are declared, since Bedrock refuses calls without tools")
    func undeclared() throws {
        var request = ChatRequest(
            model: "m",
            messages: [
                .user("x"), ChatMessage(.assistant, [.toolCall(ToolCall(id: "1", name: "f", arguments: "{}"))]),
                .toolResult("1", "y"),
            ])
        request.source = .openAIChat
        #expect(Self.text(try Self.encode(request).json["toolConfig"]).contains(#""name":"f""#))
    }

    @Test("no tool is offered where none may be called")
    func noTool() throws {
        var request = ChatRequest(model: "m", messages: [.user("x")])
        request.source = .openAIChat
        request.tools = [Tool(name: "f", kind: .function(parameters: nil))]
        request.toolChoice = ToolChoice.none
        let (json, losses) = try Self.encode(request)
        #expect(json["toolConfig"] == nil)
        #expect(losses == ["tools"])
    }

    @Test("markers become cache points behind their part, four at most, and none where the model takes none")
    func cachePoints() throws {
        let marked = { (text: String) in ContentPart.text(TextPart(text, cacheMarker: CacheMarker())) }
        var request = ChatRequest(
            model: "anthropic.claude-3-7-sonnet",
            messages: [ChatMessage(.user, [marked("a"), marked("b"), marked("c"), marked("d"), marked("e")])])
        request.source = .anthropicMessages
        let (json, losses) = try Self.encode(request)
        let point = #"{"cachePoint":{"type":"default"}}"#
        #expect(
            Self.text((json["messages"] as? [[String: Any]])?.first?["content"])
                == #"[{"text":"a"},{"text":"b"},\#(point),{"text":"c"},\#(point),{"text":"d"},\#(point),{"text":"e"},\#(point)]"#
        )
        #expect(losses == ["messages.content.cache_control"])
        request.model = "mistral.mistral-large"
        #expect(try Self.encode(request).losses == ["messages.content.cache_control"])
        #expect(!Self.text(try Self.encode(request).json).contains("cachePoint"))
    }

    @Test("documents get names that Bedrock takes, each its own")
    func documents() throws {
        let source = MediaSource.base64(mediaType: "application/pdf", data: "AA")
        var request = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(
                    .user,
                    [
                        .document(DocumentPart(source, title: "my_plan  v2.pdf")),
                        .document(DocumentPart(source, title: "my plan v2 pdf")), .document(DocumentPart(source)),
                        .document(DocumentPart(.text("häß"))),
                    ])
            ])
        request.source = .openAIChat
        let (json, _) = try Self.encode(request)
        let content = try #require((json["messages"] as? [[String: Any]])?.first?["content"] as? [[String: Any]])
        let documents = content.compactMap { $0["document"] as? [String: Any] }
        #expect(
            documents.map { $0["name"] as? String } == ["my-plan v2-pdf", "my plan v2 pdf", "document", "document 2"])
        #expect(Self.text(documents[3]["source"]) == #"{"bytes":"aMOkw58="}"#)
        #expect(documents.map { $0["format"] as? String } == ["pdf", "pdf", "pdf", "txt"])
    }

    @Test("what would change the meaning is refused")
    func refusals() throws {
        func refused(_ change: (inout ChatRequest) -> Void) -> NeedletailError.Code? {
            var request = ChatRequest(model: "m", messages: [.user("x")])
            request.source = .openAIChat
            change(&request)
            return (#expect(throws: NeedletailError.self) { try Self.encode(request) })?.code
        }
        func image(_ source: MediaSource) -> (inout ChatRequest) -> Void {
            { $0.messages = [ChatMessage(.user, [.image(ImagePart(source))])] }
        }
        #expect(refused { $0.choiceCount = 2 } == .unsupported)
        #expect(refused { $0.modalities = ["text", "audio"] } == .unsupported)
        #expect(refused { $0.tools = [Tool(name: "f", kind: .custom(format: nil))] } == .unsupported)
        #expect(refused(image(.url("https://example.com/a.png"))) == .unsupported)
        #expect(refused(image(.fileID("file-1"))) == .unsupported)
        #expect(refused(image(.base64(mediaType: "image/tiff", data: "AA"))) == .unsupported)
    }

    @Test("a data URL is taken apart, a place in S3 stays one")
    func sources() throws {
        var request = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(
                    .user,
                    [
                        .image(ImagePart(.url("data:image/webp;base64,QUJD"))),
                        .image(ImagePart(.url("s3://bucket/a.gif"))),
                    ])
            ])
        request.source = .openAIChat
        let text = Self.text(try Self.encode(request).json["messages"])
        #expect(text.contains(#"{"image":{"format":"webp","source":{"bytes":"QUJD"}}}"#))
        #expect(text.contains(#"{"image":{"format":"gif","source":{"s3Location":{"uri":"s3:\/\/bucket\/a.gif"}}}}"#))
    }

    @Test("a prompt is counted without what concerns the reply")
    func count() throws {
        var request = ChatRequest(model: "m", messages: [.system("s"), .user("x")])
        request.source = .anthropicMessages
        request.maxOutputTokens = 10
        request.temperature = JSONText(1)
        var out = ByteBuffer()
        #expect(try BedrockConverse.encodeCountRequest(request, into: &out) == [])
        #expect(
            String(buffer: out)
                == #"{"input":{"converse":{"system":[{"text":"s"}],"messages":[{"role":"user","content":[{"text":"x"}]}]}}}"#
        )
        #expect(try BedrockConverse.decodeCountRequest(out).messages == request.messages)
        let peeked = try RequestPeek.read(out, dialect: .bedrockConverse, operation: .countTokens, model: "m")
        #expect(peeked.model == "m")
    }
}
