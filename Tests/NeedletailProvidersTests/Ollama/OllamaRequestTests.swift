import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Ollama: requests")
struct OllamaRequestTests {
    private static func decode(_ text: String, _ dialect: DialectID = .ollamaChat) throws -> ChatRequest {
        try dialect.dialect.decodeRequest(ByteBuffer(string: text))
    }

    private static func encode(_ request: ChatRequest, _ dialect: DialectID = .ollamaChat) throws -> (String, [String])
    {
        var out = ByteBuffer()
        let losses = try dialect.dialect.encodeRequest(request, into: &out)
        return (String(buffer: out), losses.map(\.field))
    }

    @Test("Options, switches and formats are read where Ollama has them")
    func options() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"user","content":"x"}],"format":{"type":"object"},"think":"high",
            "options":{"num_predict":9,"temperature":0.10,"top_p":0.5,"top_k":4,"seed":18446744073709551615,
            "stop":["a"],"presence_penalty":1,"frequency_penalty":2,"min_p":0.05},"keep_alive":"5m","logprobs":true,
            "top_logprobs":2}
            """#)
        #expect(request.isStreaming, "it streams unless it says otherwise")
        #expect(request.maxOutputTokens == 9 && request.stopSequences == ["a"])
        #expect(request.temperature?.description == "0.10" && request.seed?.description == "18446744073709551615")
        #expect(request.topP?.description == "0.5" && request.topK?.description == "4")
        #expect(request.reasoning == ReasoningOptions(mode: .unspecified, effort: "high"))
        #expect(
            request.responseFormat
                == .jsonSchema(
                    name: nil, description: nil, schema: JSONText(unchecked: #"{"type":"object"}"#), isStrict: nil))
        #expect(request.logprobs == true && request.topLogprobs == 2)
        #expect(request.extensions.map(\.path) == ["options.min_p", "keep_alive"])
        #expect(try Self.decode(try Self.encode(request).0) == request)
    }

    @Test(
        "What was left out as an empty value says nothing",
        arguments: [
            #"{"model":"m","messages":[],"format":"","options":{"num_predict":-1},"stream":false}"#,
            #"{"model":"m","messages":[],"tools":[],"options":{},"keep_alive":null,"stream":false}"#,
        ])
    func empty(_ text: String) throws {
        var expected = ChatRequest(model: "m")
        expected.source = .ollamaChat
        #expect(try Self.decode(text) == expected)
    }

    @Test("Results find their calls by id, by tool, and by order")
    func results() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","messages":[{"role":"assistant","content":"","tool_calls":[
            {"function":{"name":"f","arguments":{"a":1}}},{"id":"mine","function":{"name":"g","arguments":{}}},
            {"function":{"name":"f","arguments":null}}]},
            {"role":"tool","tool_name":"f","content":"1"},{"role":"tool","tool_call_id":"mine","content":"2"},
            {"role":"tool","content":"3"},{"role":"tool","content":"4"}]}
            """#)
        let calls = request.messages[0].content.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
        #expect(calls.map(\.id) == ["call_0_0", "mine", "call_0_2"])
        #expect(calls.map(\.arguments) == [#"{"a":1}"#, "{}", ""])
        let results = request.messages.dropFirst().flatMap(\.content)
            .compactMap { if case .toolResult(let result) = $0 { result.callID } else { nil } }
        #expect(results == ["call_0_0", "mine", "call_0_2", "call_4_result"])
    }

    @Test("Images are base64 without a type, which is told by how they begin")
    func images() throws {
        let request = try Self.decode(
            #"{"model":"m","messages":[{"role":"user","content":"x","images":["/9j/4AAQSkZJRg==","iVBORw0KGgo="]}]}"#)
        #expect(
            request.messages[0].content == [
                .text(TextPart("x")),
                .image(ImagePart(.base64(mediaType: "image/jpeg", data: "/9j/4AAQSkZJRg=="))),
                .image(ImagePart(.base64(mediaType: "image/png", data: "iVBORw0KGgo="))),
            ])
        #expect(try Self.encode(request).0.contains(#""images":["/9j/4AAQSkZJRg==","iVBORw0KGgo="]"#))
    }

    @Test("A conversation of another dialect keeps calls, results, reasoning and images")
    func conversation() throws {
        var request = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(.developer, "be brief"),
                ChatMessage(
                    .user, [.text(TextPart("look")), .image(ImagePart(.base64(mediaType: "image/png", data: "AAAA")))]),
                ChatMessage(
                    .assistant,
                    [.reasoning(ReasoningPart("hm")), .toolCall(ToolCall(id: "c1", name: "f", arguments: #"{"a":1}"#))]),
                .toolResult("c1", "no", isError: true),
            ])
        request.source = .openAIChat
        request.tools = [Tool(name: "f", kind: .function(parameters: nil))]
        request.toolChoice = .tool("f")
        request.parallelToolCalls = false
        let (text, losses) = try Self.encode(request)
        #expect(
            text
                == #"{"model":"m","messages":[{"role":"system","content":"be brief"},"#
                + #"{"role":"user","content":"look","images":["AAAA"]},"#
                + #"{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"c1","function":{"name":"f","arguments":{"a":1}}}]},"#
                + #"{"role":"tool","content":"Error: no","tool_name":"f","tool_call_id":"c1"}],"#
                + #""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"#
                + #""stream":false}"#)
        #expect(losses == ["parallel_tool_calls", "messages.is_error", "tool_choice"])
    }

    @Test("What would be another request without it is refused")
    func refused() throws {
        func refuse(_ parameter: String, _ change: (inout ChatRequest) -> Void) {
            var request = ChatRequest(model: "m", messages: [.user("x")])
            request.source = .openAIChat
            change(&request)
            let error = #expect(throws: NeedletailError.self) { try Self.encode(request) }
            #expect(error?.code == .unsupported && error?.parameter == parameter)
        }
        refuse("n") { $0.choiceCount = 2 }
        refuse("modalities") { $0.modalities = ["text", "audio"] }
        refuse("tools.custom.format") { $0.tools = [Tool(name: "t", kind: .custom(format: nil))] }
        refuse("messages.content.image_url") {
            $0.messages = [ChatMessage(.user, [.image(ImagePart(.url("https://x/y")))])]
        }
        refuse("messages.content.file") {
            $0.messages = [
                ChatMessage(.user, [.document(DocumentPart(.base64(mediaType: "application/pdf", data: "AA")))])
            ]
        }
        refuse("messages.content.input_audio") { $0.messages = [ChatMessage(.user, [.audio(AudioPart(data: "AA"))])] }
    }

    @Test(
        "Levels and budgets of reasoning become a switch or a level",
        arguments: [
            (ReasoningOptions(mode: .disabled), "false", []),
            (ReasoningOptions(mode: .enabled), "true", []),
            (ReasoningOptions(effort: "none"), "false", []),
            (ReasoningOptions(effort: "minimal"), #""low""#, ["reasoning_effort"]),
            (ReasoningOptions(effort: "xhigh"), #""max""#, []),
            (ReasoningOptions(mode: .enabled, budgetTokens: 9000), "true", ["thinking.budget_tokens"]),
        ] as [(ReasoningOptions, String, [String])])
    func think(_ options: ReasoningOptions, _ value: String, _ losses: [String]) throws {
        var request = ChatRequest(model: "m", messages: [.user("x")])
        request.source = .openAIChat
        request.reasoning = options
        let (text, lost) = try Self.encode(request)
        #expect(text.contains(#""think":\#(value),"#), "\(text)")
        #expect(lost == losses)
    }

    @Test("A prompt is a message, and what only a prompt has is kept for its own kind")
    func generate() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","prompt":"x","system":"s","suffix":"y","template":"","raw":true,"context":[1],"images":["AAAA"],
            "stream":false}
            """#, .ollamaGenerate)
        #expect(request.messages.first == .system("s") && request.messages.count == 2 && !request.isStreaming)
        #expect(request.extensions.map(\.path) == ["suffix", "raw", "context"])
        #expect(try Self.decode(try Self.encode(request, .ollamaGenerate).0, .ollamaGenerate) == request)
        for dialect: DialectID in [.ollamaChat, .cohereChat, .openAICompletions] {
            let error = #expect(throws: NeedletailError.self) { try Self.encode(request, dialect) }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("what only the other endpoint knows is not written beside what it would replace")
    func otherEndpoint() throws {
        let request = try Self.decode(#"{"model":"m","prompt":"p","messages":[1],"keep_alive":3}"#, .ollamaGenerate)
        let (text, losses) = try Self.encode(request, .ollamaChat)
        #expect(text.components(separatedBy: "\"messages\"").count == 2 && text.contains("\"keep_alive\":3"), "\(text)")
        #expect(losses == ["messages"])
    }

    @Test("A conversation becomes a transcript where there is only a prompt, and its system prompt stays apart")
    func transcript() throws {
        var request = ChatRequest(
            model: "m", messages: [.system("s"), .user("a"), .assistant("b"), .user("c")])
        request.source = .openAIChat
        let (text, losses) = try Self.encode(request, .ollamaGenerate)
        #expect(
            text
                == #"{"model":"m","system":"s","prompt":"User: a\n\nAssistant: b\n\nUser: c\n\nAssistant:","stream":false}"#
        )
        #expect(losses == ["messages.role"])
        request.messages = [.system("s"), .user("a")]
        #expect(
            try Self.encode(request, .ollamaGenerate).0 == #"{"model":"m","system":"s","prompt":"a","stream":false}"#)
        request.messages.append(.toolResult("c", "x"))
        #expect(throws: NeedletailError.self) { try Self.encode(request, .ollamaGenerate) }
    }

    @Test(
        "A wrong field is named",
        arguments: [
            (#"{"messages":[]}"#, "model"), (#"{"model":"m","messages":{}}"#, "messages"),
            (#"{"model":"m","messages":[{"role":"bot"}]}"#, "messages[0].role"),
            (#"{"model":"m","messages":[{"role":"user","content":[]}]}"#, "messages[0].content"),
            (#"{"model":"m","messages":[],"format":"xml"}"#, "format"),
            (#"{"model":"m","messages":[],"options":{"temperature":"hot"}}"#, "options.temperature"),
            (#"{"model":"m","messages":[],"think":1}"#, "think"),
            (#"{"model":"m","messages":[],"tools":[{"type":"function"}]}"#, "tools[0].function"),
        ])
    func faults(_ text: String, _ parameter: String) {
        let error = #expect(throws: NeedletailError.self) { try Self.decode(text) }
        #expect(error?.code == .invalidRequest && error?.parameter == parameter)
    }

    @Test("Without a word to answer, the model is loaded or unloaded")
    func loading() throws {
        func answer(_ text: String, _ dialect: DialectID) throws -> String? {
            OllamaLoading.answer(try Self.decode(text, dialect), created: 0).map { String(buffer: $0) }
        }
        #expect(try answer(#"{"model":"m","messages":[]}"#, .ollamaChat)?.contains(#""done_reason":"load""#) == true)
        #expect(
            try answer(#"{"model":"m","keep_alive":0}"#, .ollamaGenerate)
                == #"{"model":"m","created_at":"1970-01-01T00:00:00Z","response":"","done":true,"done_reason":"unload"}"#
                + "\n")
        #expect(try answer(#"{"model":"m","prompt":"x"}"#, .ollamaGenerate) == nil)
        #expect(OllamaLoading.answer(ChatRequest(model: "m"), created: 0) == nil)
    }
}
