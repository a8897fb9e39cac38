import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Gemini: a client's request")
struct GeminiRequestDecodingTests {
    @Test(
        "Both spellings of every key say the same",
        arguments: [
            #""systemInstruction":{"parts":[{"text":"Be brief."}]},"generationConfig":{"topP":0.5,"topK":7,"maxOutputTokens":9,"stopSequences":["x"],"candidateCount":2,"responseMimeType":"application/json","responseSchema":{"type":"OBJECT"},"thinkingConfig":{"thinkingBudget":99,"includeThoughts":true}},"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}]"#,
            #""system_instruction":{"parts":{"text":"Be brief."}},"generation_config":{"top_p":0.5,"top_k":7,"max_output_tokens":"9","stop_sequences":["x"],"candidate_count":2,"response_mime_type":"application/json","response_schema":{"type":"OBJECT"},"thinking_config":{"thinking_budget":99,"include_thoughts":true}},"tool_config":{"function_calling_config":{"mode":"any","allowed_function_names":["f"]}},"tools":[{"function_declarations":[{"name":"f","parameters_json_schema":{"type":"object"}}]}]"#,
        ])
    func spellings(_ members: String) throws {
        let request = try GeminiFixture.asked(members)
        #expect(request.messages.first == .system("Be brief."))
        #expect(request.topP?.description == "0.5" && request.topK?.description == "7")
        #expect(request.maxOutputTokens == 9 && request.stopSequences == ["x"] && request.choiceCount == 2)
        #expect(request.reasoning == ReasoningOptions(mode: .enabled, budgetTokens: 99, display: "summarized"))
        #expect(request.toolChoice == .tool("f"))
        #expect(
            request.tools == [Tool(name: "f", kind: .function(parameters: JSONText(unchecked: #"{"type":"object"}"#)))])
        let schema = JSONText(unchecked: #"{"type":"object"}"#)
        #expect(request.responseFormat == .jsonSchema(name: nil, description: nil, schema: schema, isStrict: nil))
        #expect(request.extensions.isEmpty)
    }

    @Test("A schema of OpenAPI becomes JSON Schema")
    func schema() throws {
        let request = try GeminiFixture.asked(
            #""generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"enum":["A"]},"n":{"type":"ARRAY","minItems":"1","items":{"anyOf":[{"type":"INTEGER","format":"int32"},{"type":"NULL"}]}}},"required":["n"],"propertyOrdering":["n","type"]}}"#
        )
        guard case .jsonSchema(_, _, let schema, _) = request.responseFormat else {
            Issue.record("no schema")
            return
        }
        #expect(
            schema.description
                == #"{"type":"object","properties":{"type":{"type":["string","null"],"enum":["A",null]},"n":{"type":"array","minItems":1,"items":{"anyOf":[{"type":"integer","format":"int32"},{"type":"null"}]}}},"required":["n"],"propertyOrdering":["n","type"]}"#
        )
    }

    @Test(
        "How the model is to think",
        arguments: [
            (#"{"thinkingBudget":0}"#, ReasoningOptions(mode: .disabled)),
            (#"{"thinkingBudget":-1}"#, ReasoningOptions(mode: .adaptive)),
            (#"{"includeThoughts":true}"#, ReasoningOptions(mode: .adaptive, display: "summarized")),
            (
                #"{"thinkingLevel":"HIGH","includeThoughts":false}"#,
                ReasoningOptions(effort: "high", display: "omitted")
            ),
        ])
    func thinking(_ config: String, _ options: ReasoningOptions) throws {
        let request = try GeminiFixture.asked(#""generationConfig":{"thinkingConfig":\#(config)}"#)
        #expect(request.reasoning == options)
    }

    @Test("Media by what they are: images, sound, everything else")
    func media() throws {
        let request = try GeminiFixture.request(
            #"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"-_8"}},{"inline_data":{"mime_type":"audio/mpeg","data":"AAAA"}},{"inlineData":{"mimeType":"application/pdf","data":"AAAA"}},{"fileData":{"mimeType":"video/mp4","fileUri":"gs://b/c.mp4"}},{"fileData":{"mimeType":"image/jpeg","fileUri":"https://x.invalid/a"}}]}]}"#
        )
        #expect(
            request.messages[0].content == [
                .image(ImagePart(.base64(mediaType: "image/png", data: "+/8="))),
                .audio(AudioPart(data: "AAAA", format: "mp3")),
                .document(DocumentPart(.base64(mediaType: "application/pdf", data: "AAAA"))),
                .document(DocumentPart(.fileID("gs://b/c.mp4"))),
                .image(ImagePart(.url("https://x.invalid/a"))),
            ])
    }

    @Test("Calls without ids get some, and results find their calls by name and order")
    func calls() throws {
        let request = try GeminiFixture.request(
            #"{"contents":[{"parts":[{"text":"Go"}]},{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"c2ln"},{"functionCall":{"name":"g","args":{"a":1}}},{"functionCall":{"name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"g","response":{"output":"ok"}}},{"functionResponse":{"name":"f","response":{"error":"no"}}},{"functionResponse":{"name":"f","response":{"x":[1]}}},{"text":"And?"}]}]}"#
        )
        let made = request.messages[1].content
        #expect(made.first == .reasoning(ReasoningPart("", signature: "c2ln")))
        var ids: [String] = []
        for case .toolCall(let call) in made { ids.append(call.id) }
        #expect(Set(ids).count == 3 && !ids.contains(""))
        var results: [ToolResult] = []
        for message in request.messages where message.role == .tool {
            for case .toolResult(let result) in message.content { results.append(result) }
        }
        #expect(results.map(\.callID) == [ids[1], ids[0], ids[2]])
        #expect(results.map(\.isError) == [nil, true, nil])
        #expect(results.map(\.content) == ["ok", "no", #"{"x":[1]}"#].map { [.text(TextPart($0))] })
        #expect(request.messages.last == .user("And?"))
        #expect(try request == GeminiFixture.request(Self.again(request)), "ids are made the same way again")
    }

    private static func again(_ request: ChatRequest) throws -> String {
        var out = ByteBuffer()
        _ = try Gemini.encodeRequest(request, into: &out)
        return String(buffer: out)
    }

    @Test("Thoughts keep their signature, in Google's SDK's alphabet too; thoughts that follow each other are one")
    func signatures() throws {
        let request = try GeminiFixture.request(
            #"{"contents":[{"parts":[{"text":"Go"}]},{"role":"model","parts":[{"text":"I think ","thought":true},{"text":"so.","thought":true,"thought_signature":"-_8"},{"text":"Yes","thoughtSignature":"AAAA"},{"text":"","thoughtSignature":"BBBB"}]}]}"#
        )
        #expect(
            request.messages[1].content == [
                .reasoning(ReasoningPart("I think so.", signature: "+/8=")), .text(TextPart("Yes")),
                .reasoning(ReasoningPart("", signature: "AAAA")), .reasoning(ReasoningPart("", signature: "BBBB")),
            ])
    }

    @Test("What the model has no place for is kept and written back, and told as lost elsewhere")
    func unknown() throws {
        let request = try GeminiFixture.asked(
            #""safetySettings":[{"category":"X"}],"cachedContent":"c/1","labels":{"a":"b"},"toolConfig":{"retrievalConfig":{"a":1},"functionCallingConfig":{"mode":"VALIDATED"}},"tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"f"}]}],"generationConfig":{"mediaResolution":"LOW","thinkingConfig":{"new":1}}"#
        )
        let (json, losses) = try GeminiFixture.written(request)
        #expect(losses.isEmpty)
        #expect(json[path: "safetySettings.0.category"] as? String == "X")
        #expect(json["cachedContent"] as? String == "c/1")
        #expect(json[path: "toolConfig.retrievalConfig.a"] as? Int == 1)
        #expect(json[path: "toolConfig.functionCallingConfig.mode"] as? String == "VALIDATED")
        #expect(json[path: "generationConfig.mediaResolution"] as? String == "LOW")
        #expect(json[path: "generationConfig.thinkingConfig.new"] as? Int == 1)
        #expect(json[path: "tools.1.googleSearch"] != nil)
        var out = ByteBuffer()
        let lost = Set(try OpenAIChat.encodeRequest(request, into: &out).map(\.field))
        #expect(
            lost.isSuperset(of: [
                "safetySettings", "cachedContent", "labels", "tools", "generationConfig.mediaResolution",
            ]))
    }

    @Test(
        "A wrong field is named as Google names it",
        arguments: [
            (#"{}"#, "contents"), (#"{"contents":{}}"#, "contents"), (#"{"contents":[]}"#, "contents"),
            (#"{"contents":[{"parts":[{"text":1}]}]}"#, "contents[0].parts[0].text"),
            (#"{"contents":[{"role":"bot","parts":[]}]}"#, "contents[0].role"),
            (#"{"contents":[{"parts":[]}],"generationConfig":{"temperature":"warm"}}"#, "generationConfig.temperature"),
            (
                #"{"contents":[{"parts":[]}],"tools":[{"functionDeclarations":[{}]}]}"#,
                "tools[0].functionDeclarations[0].name"
            ),
        ])
    func wrong(_ body: String, _ field: String) throws {
        let error = try #require(throws: NeedletailError.self) { try GeminiFixture.request(body) }
        #expect(error.code == .invalidRequest && error.parameter == field)
    }

    @Test("A request to count holds the prompt, or a request that holds it")
    func counting() throws {
        for body in [
            #"{"contents":[{"parts":[{"text":"Hi"}]}]}"#,
            #"{"generateContentRequest":{"model":"models/g","contents":[{"parts":[{"text":"Hi"}]}]}}"#,
        ] {
            let request = try Gemini.decodeCountRequest(ByteBuffer(string: body))
            #expect(request.messages == [.user("Hi")])
            _ = try RequestPeek.read(
                ByteBuffer(string: body), dialect: .gemini, operation: .countTokens, model: "g", isStreaming: false)
        }
        var out = ByteBuffer()
        var request = ChatRequest(model: "g", messages: [.system("S"), .user("Hi")])
        request.temperature = JSONText(1)
        #expect(try Gemini.encodeCountRequest(request, into: &out).isEmpty)
        let json = try GeminiFixture.object(out)
        #expect(json[path: "generateContentRequest.model"] as? String == "models/g")
        #expect(json[path: "generateContentRequest.systemInstruction.parts.0.text"] as? String == "S")
        #expect(json[path: "generateContentRequest.generationConfig"] == nil)
        #expect(try Gemini.decodeTokenCount(Gemini.encodeTokenCount(12)) == 12)
    }
}
