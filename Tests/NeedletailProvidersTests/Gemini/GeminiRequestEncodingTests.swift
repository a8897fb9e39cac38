import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Gemini: a request for an upstream")
struct GeminiRequestEncodingTests {
    @Test("The conversation: system apart, roles joined, results first, JSON objects as they are")
    func conversation() throws {
        let request = ChatRequest(
            model: "gemini-2.5-flash",
            messages: [
                .system("S"), .user("A"), .user("B"),
                ChatMessage(
                    .assistant,
                    [
                        .reasoning(ReasoningPart("", signature: "AAAA")),
                        .toolCall(ToolCall(id: "c1", name: "f", arguments: "")),
                        .toolCall(ToolCall(id: "c2", name: "g", arguments: #"{"a":1}"#)),
                    ]),
                .toolResult("c1", "plain"), .toolResult("c2", #"{"b":2}"#), .user("C"),
            ])
        let (json, losses) = try GeminiFixture.written(request)
        #expect(losses.isEmpty)
        #expect(json[path: "systemInstruction.parts.0.text"] as? String == "S")
        #expect((json["contents"] as? [[String: Any]])?.map { $0["role"] as? String } == ["user", "model", "user"])
        #expect(json[path: "contents.0.parts.1.text"] as? String == "B")
        #expect(json[path: "contents.1.parts.0.thoughtSignature"] as? String == "AAAA")
        #expect(json[path: "contents.1.parts.0.functionCall.id"] as? String == "c1")
        #expect((json[path: "contents.1.parts.0.functionCall.args"] as? [String: Any])?.isEmpty == true)
        #expect(json[path: "contents.1.parts.1.thoughtSignature"] == nil)
        #expect(json[path: "contents.2.parts.0.functionResponse.name"] as? String == "f")
        #expect(json[path: "contents.2.parts.0.functionResponse.response.output"] as? String == "plain")
        #expect(json[path: "contents.2.parts.1.functionResponse.response.b"] as? Int == 2)
        #expect(json[path: "contents.2.parts.2.text"] as? String == "C")
    }

    @Test(
        "A call that comes from elsewhere says so to models that ask for its signature",
        arguments: [("gemini-3-pro-preview", true), ("gemini-2.5-pro", false)])
    func foreignCall(_ model: String, _ isMarked: Bool) throws {
        let request = ChatRequest(
            model: model,
            messages: [
                .user("A"), ChatMessage(.assistant, [.toolCall(ToolCall(id: "c", name: "f", arguments: "{}"))]),
                .toolResult("c", "x"),
            ])
        let signature = try GeminiFixture.written(request).json[path: "contents.1.parts.0.thoughtSignature"] as? String
        #expect(signature == (isMarked ? GeminiContentWriter.foreignCallSignature : nil))
    }

    @Test(
        "Reasoning in the words of the model's generation",
        arguments: [
            (ReasoningOptions(effort: "low"), "gemini-2.5-flash", 1024, nil, true),
            (ReasoningOptions(effort: "high"), "gemini-3-pro-preview", nil, "high", true),
            (ReasoningOptions(effort: "minimal"), "gemini-3-pro-preview", nil, "low", true),
            (ReasoningOptions(effort: "minimal"), "gemini-3-flash-preview", nil, "minimal", true),
            (ReasoningOptions(mode: .disabled), "gemini-2.5-flash", 0, nil, nil),
            (ReasoningOptions(mode: .disabled), "gemini-2.5-pro", 128, nil, nil),
            (ReasoningOptions(mode: .enabled, budgetTokens: 99_999), "gemini-2.5-pro", 32_768, nil, true),
            (ReasoningOptions(mode: .adaptive, display: "omitted"), "gemini-2.5-pro", -1, nil, false),
            (ReasoningOptions(effort: "high"), "gemini-2.0-flash", nil, nil, nil),
        ] as [(ReasoningOptions, String, Int?, String?, Bool?)])
    func reasoning(
        _ options: ReasoningOptions, _ model: String, _ budget: Int?, _ level: String?, _ includes: Bool?
    ) throws {
        var request = ChatRequest(model: model, messages: [.user("A")])
        request.reasoning = options
        let json = try GeminiFixture.written(request).json
        #expect(json[path: "generationConfig.thinkingConfig.thinkingBudget"] as? Int == budget)
        #expect(json[path: "generationConfig.thinkingConfig.thinkingLevel"] as? String == level)
        #expect(json[path: "generationConfig.thinkingConfig.includeThoughts"] as? Bool == includes)
    }

    @Test(
        "The choice of tools",
        arguments: [
            (ToolChoice.auto, "AUTO", [], 2), (.none, "NONE", [], 2), (.required, "ANY", [], 2),
            (.tool("f"), "ANY", ["f"], 2), (.allowed(["f", "g"], isRequired: true), "ANY", ["f", "g"], 2),
            (.allowed(["f"], isRequired: false), "AUTO", [], 1),
        ])
    func choice(_ choice: ToolChoice, _ mode: String, _ names: [String], _ count: Int) throws {
        var request = ChatRequest(model: "m", messages: [.user("A")])
        request.tools = ["f", "g"].map { Tool(name: $0, kind: .function(parameters: nil)) }
        request.toolChoice = choice
        let json = try GeminiFixture.written(request).json
        #expect(json[path: "toolConfig.functionCallingConfig.mode"] as? String == mode)
        let allowed = json[path: "toolConfig.functionCallingConfig.allowedFunctionNames"] as? [String]
        #expect(allowed ?? [] == names)
        #expect((json[path: "tools.0.functionDeclarations"] as? [Any])?.count == count)
    }

    @Test("JSON Schema goes out word for word")
    func schemas() throws {
        let schema = JSONText(unchecked: ##"{"type":["string","null"],"$ref":"#/$defs/x"}"##)
        var request = ChatRequest(model: "m", messages: [.user("A")])
        request.responseFormat = .jsonSchema(name: nil, description: nil, schema: schema, isStrict: true)
        request.tools = [Tool(name: "f", kind: .function(parameters: schema))]
        var out = ByteBuffer()
        #expect(try Gemini.encodeRequest(request, into: &out).isEmpty)
        let text = String(buffer: out)
        #expect(text.contains(#""responseMimeType":"application/json","responseJsonSchema":\#(schema)"#))
        #expect(text.contains(#""parametersJsonSchema":\#(schema)"#))
    }

    @Test("What cannot be said is named in the client's words")
    func losses() throws {
        var request = ChatRequest(model: "m", messages: [.user("A"), .assistant("B"), .system("C")])
        request.source = .openAIChat
        request.logitBias = JSONText(unchecked: "{}")
        request.endUser = "u"
        request.parallelToolCalls = false
        request.seed = JSONText(unchecked: "15924764223251450000")
        request.messages[0].name = "Ann"
        let losses = Set(try GeminiFixture.written(request).losses)
        #expect(losses == ["logit_bias", "user", "parallel_tool_calls", "seed", "messages.name", "messages.role"])
    }

    @Test("What would change the meaning is refused")
    func refused() throws {
        var custom = ChatRequest(model: "m", messages: [.user("A")])
        custom.tools = [Tool(name: "f", kind: .custom(format: nil))]
        var file = ChatRequest(
            model: "m", messages: [ChatMessage(.user, [.document(DocumentPart(.fileID("file-1")))])])
        file.source = .openAIChat
        for request in [custom, file] {
            let error = try #require(throws: NeedletailError.self) { try GeminiFixture.written(request) }
            #expect(error.code == .unsupported && error.parameter != nil)
        }
    }
}
