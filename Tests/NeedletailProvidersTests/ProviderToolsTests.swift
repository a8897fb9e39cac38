import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Tools that another dialect's provider runs")
struct ProviderToolsTests {
    private static let search = #"{"type":"web_search_20250305","name":"web_search"}"#
    private static let function = #"{"name":"f","input_schema":{"type":"object"}}"#

    /// The client's dialect, members of its request, and the field that a refusal names.
    static let refused: [(DialectID, String, String)] = [
        (.anthropicMessages, #""tools":[\#(search)]"#, "tools"),
        (.anthropicMessages, #""tools":[\#(search)],"tool_choice":{"type":"any"}"#, "tools"),
        (
            .anthropicMessages, #""tools":[\#(search)],"tool_choice":{"type":"tool","name":"web_search"}"#,
            "tool_choice"
        ),
        (
            .anthropicMessages,
            #""tools":[\#(function),\#(search)],"tool_choice":{"type":"tool","name":"web_search"}"#, "tool_choice"
        ),
        (.gemini, #""tools":[{"googleSearch":{}}]"#, "tools"),
        (.gemini, #""tools":[{"code_execution":{}}]"#, "tools"),
        (
            .gemini, #""tools":[{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}"#, "tools"
        ),
        (.openAIResponses, #""tools":[{"type":"web_search"},{"type":"code_interpreter"}]"#, "tools"),
        (
            .openAIResponses,
            #"""
            "tools":[{"type":"function","name":"f"},{"type":"web_search"}],
            "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"web_search"}]}
            """#, "tool_choice"
        ),
    ]

    static let dropped: [(DialectID, String)] = [
        (.anthropicMessages, #""tools":[\#(function),\#(search)]"#),
        (.anthropicMessages, #""tools":[\#(function),\#(search)],"tool_choice":{"type":"any"}"#),
        (.anthropicMessages, #""tools":[\#(function),\#(search)],"tool_choice":{"type":"tool","name":"f"}"#),
        (.anthropicMessages, #""tools":[\#(search)],"tool_choice":{"type":"none"}"#),
        (.gemini, #""tools":[{"googleSearch":{}},{"functionDeclarations":[{"name":"f"}]}]"#),
        (.openAIResponses, #""tools":[{"type":"function","name":"f"},{"type":"web_search"}]"#),
    ]

    private static let reply = """
        {"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":\
        {"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}
        """

    private static func body(_ client: DialectID, _ members: String) -> String {
        switch client {
        case .gemini: #"{"model":"m","contents":[{"role":"user","parts":[{"text":"hi"}]}],\#(members)}"#
        case .openAIResponses: #"{"model":"m","input":"hi",\#(members)}"#
        default: #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],\#(members)}"#
        }
    }

    @Test("are refused where the request is about them", arguments: refused)
    func refuse(_ client: DialectID, _ members: String, _ field: String) async throws {
        let bench = Bench(.openAICompatible) { _ in json(Self.reply) }
        let error = try await #require(throws: NeedletailError.self) {
            _ = try await bench.ask(Self.body(client, members), client, model: "m")
        }
        #expect(error.code == .unsupported)
        #expect(error.parameter == field)
        #expect(bench.transport.requests.isEmpty)
    }

    @Test("are left out, and told as lost, where they can be missed", arguments: dropped)
    func drop(_ client: DialectID, _ members: String) async throws {
        let bench = Bench(.openAICompatible) { _ in json(Self.reply) }
        let reply = try await bench.ask(Self.body(client, members), client, model: "m")
        #expect(reply.losses.contains { $0.field == "tools" })
        let tools = try JSONDocument(try bench.sent.body).root["tools"]?.elements.map {
            $0["function"]?["name"]?.string
        }
        #expect(tools == nil || tools == ["f"])
    }

    @Test("are no matter to an upstream of their own dialect, or of the other half of Ollama's")
    func own() throws {
        for (own, upstream) in [(DialectID.gemini, DialectID.gemini), (.ollamaChat, .ollamaGenerate)] {
            var request = ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])
            let kind = Tool.Kind.provider(type: "x", definition: JSONText(unchecked: "{}"), dialect: own)
            request.tools = [Tool(name: "x", kind: kind)]
            request.toolChoice = .tool("x")
            try request.checkProviderTools(for: upstream)
        }
    }
}
