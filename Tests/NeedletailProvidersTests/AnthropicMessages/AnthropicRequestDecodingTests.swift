import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Anthropic requests read from a client")
struct AnthropicRequestDecodingTests {
    static func decode(_ json: String) throws(NeedletailError) -> ChatRequest {
        try AnthropicMessages.decodeRequest(ByteBuffer(string: json))
    }

    static let everything = #"""
        {"model":"claude-x","max_tokens":10,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],
        "messages":[
        {"role":"user","content":[{"type":"text","text":"a"},
        {"type":"image","source":{"type":"url","url":"https://a/b"},"cache_control":{"type":"ephemeral"}},
        {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QQ=="},"title":"t","context":"c","citations":{"enabled":true}},
        {"type":"document","source":{"type":"content","content":[{"type":"image","source":{}}]}},
        {"type":"search_result","source":"x"}]},
        {"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"g"},{"type":"redacted_thinking","data":"d"},
        {"type":"text","text":"b","citations":[{"type":"z"}]},{"type":"tool_use","id":"t1","name":"f","input":{"a": 1.0},"caller":{"type":"code_execution_20250825"}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"r"}],"is_error":true},{"type":"text","text":"go"}]},
        {"role":"system","content":"later"}],
        "tools":[{"name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"defer_loading":true},
        {"type":"web_search_20250305","name":"web_search","max_uses":5}],
        "tool_choice":{"type":"any","disable_parallel_tool_use":true},
        "temperature":1.0,"top_p":0.90,"top_k":5,"stop_sequences":["x"],"stream":true,"service_tier":"auto",
        "metadata":{"user_id":"u","department":"d"},"thinking":{"type":"enabled","budget_tokens":2000},
        "output_config":{"effort":"high","format":{"type":"json_schema","schema":{"type":"object"}}},
        "mcp_servers":[{"x":1}],"speed":"fast"}
        """#

    @Test("Every field finds its place")
    func everyField() throws {
        let request = try Self.decode(Self.everything)
        #expect(request.source == .anthropicMessages)
        #expect(request.messages.map(\.role) == [.system, .user, .assistant, .tool, .user, .system])
        #expect(request.messages[0].content == [.text(TextPart("s", cacheMarker: CacheMarker(lifetime: "1h")))])
        let user = request.messages[1].content
        #expect(user[1] == .image(ImagePart(.url("https://a/b"), cacheMarker: CacheMarker())))
        var document = DocumentPart(.base64(mediaType: "application/pdf", data: "QQ=="), title: "t")
        document.context = "c"
        document.citationsEnabled = true
        #expect(user[2] == .document(document))
        guard case .opaque(let content) = user[3], case .opaque(let search) = user[4] else {
            Issue.record("what the model has no place for stays whole")
            return
        }
        #expect(content.type == "document")
        #expect(search.json.description == #"{"type":"search_result","source":"x"}"#)
        let assistant = request.messages[2].content
        #expect(assistant[0] == .reasoning(ReasoningPart("h", signature: "g")))
        #expect(assistant[1] == .redactedReasoning("d"))
        #expect(assistant[3] == .toolCall(ToolCall(id: "t1", name: "f", arguments: #"{"a": 1.0}"#)))
        let result = ToolResult(callID: "t1", content: [.text(TextPart("r"))], isError: true)
        #expect(request.messages[3].content == [.toolResult(result)])
        #expect(request.tools[0].isStrict == true)
        guard case .provider("web_search_20250305", _, .anthropicMessages) = request.tools[1].kind else {
            Issue.record("a provider's tool stays whole")
            return
        }
        #expect(request.toolChoice == .required)
        #expect(request.parallelToolCalls == false)
        #expect(request.temperature?.description == "1.0")
        #expect(request.topP?.description == "0.90")
        #expect(request.reasoning == ReasoningOptions(mode: .enabled, effort: "high", budgetTokens: 2000))
        #expect(request.endUser == "u")
        let schema = JSONText(unchecked: #"{"type":"object"}"#)
        #expect(request.responseFormat == .jsonSchema(name: nil, description: nil, schema: schema, isStrict: nil))
        let paths = Set(request.extensions.map(\.path))
        #expect(
            paths == [
                "messages.content.caller", "tools.defer_loading", "metadata.department", "mcp_servers", "speed",
            ])
    }

    @Test("What is written is read again as the same")
    func stable() throws {
        let request = try Self.decode(Self.everything)
        var out = ByteBuffer()
        let losses = try AnthropicMessages.encodeRequest(request, into: &out)
        #expect(
            losses.map(\.field).sorted() == ["messages.content.caller", "metadata.department", "tools.defer_loading"])
        var again = try Self.decode(String(buffer: out))
        again.extensions += request.extensions.filter { $0.path.contains(".") }
        again.extensions.sort { $0.path < $1.path }
        var expected = request
        expected.extensions.sort { $0.path < $1.path }
        #expect(again == expected)
    }

    @Test(
        "A wrong field is refused and named as Anthropic names it",
        arguments: [
            ("", "{}", "model: Field required"),
            ("model", #"{"model":1,"messages":[]}"#, "model: Input should be a valid string"),
            ("messages", #"{"model":"m"}"#, "messages: Field required"),
            ("messages", #"{"model":"m","messages":{}}"#, "messages: Input should be a valid list"),
            ("messages.0", #"{"model":"m","messages":["x"]}"#, "messages.0: Input should be a valid dictionary"),
            (
                "messages.0.content", #"{"model":"m","messages":[{"role":"user","content":1}]}"#,
                "messages.0.content: Input should be a valid string or a valid list"
            ),
            (
                "messages.0.role", #"{"model":"m","messages":[{"role":"robot","content":""}]}"#,
                "messages.0.role: Input should be 'user', 'assistant' or 'system'"
            ),
            (
                "messages.1.content.0.text",
                #"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text"}]}]}"#,
                "messages.1.content.0.text: Field required"
            ),
            (
                "messages.0.content.0.source.data",
                #"{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png"}}]}]}"#,
                "messages.0.content.0.source.data: Field required"
            ),
            (
                "max_tokens", #"{"model":"m","messages":[],"max_tokens":0}"#,
                "max_tokens: Input should be greater than or equal to 1"
            ),
            (
                "max_tokens", #"{"model":"m","messages":[],"max_tokens":1.5}"#,
                "max_tokens: Input should be a valid integer"
            ),
            (
                "temperature", #"{"model":"m","messages":[],"temperature":"1"}"#,
                "temperature: Input should be a valid number"
            ),
            (
                "tools.0.input_schema", #"{"model":"m","messages":[],"tools":[{"name":"f"}]}"#,
                "tools.0.input_schema: Field required"
            ),
            (
                "tool_choice.type", #"{"model":"m","messages":[],"tool_choice":{"type":"x"}}"#,
                "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'"
            ),
            (
                "stop_sequences.1", #"{"model":"m","messages":[],"stop_sequences":["a",2]}"#,
                "stop_sequences.1: Input should be a valid string"
            ),
            (
                "thinking.type", #"{"model":"m","messages":[],"thinking":{"type":"x"}}"#,
                "thinking.type: Input should be 'enabled', 'disabled' or 'adaptive'"
            ),
        ])
    func wrong(_ parameter: String, _ json: String, _ message: String) {
        let error = #expect(throws: NeedletailError.self) { try Self.decode(json) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message == message)
        #expect(error?.parameter == (parameter.isEmpty ? "model" : parameter))
    }

    @Test("What is no JSON is refused", arguments: ["", "{", "[]", "null", "{}}"])
    func noJSON(_ json: String) {
        let error = #expect(throws: NeedletailError.self) { try Self.decode(json) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("The beta's output_format means the same")
    func beta() throws {
        let json = #"{"model":"m","messages":[],"output_format":{"type":"json_schema","schema":{}}}"#
        let schema = JSONText(unchecked: "{}")
        #expect(
            try Self.decode(json).responseFormat
                == .jsonSchema(name: nil, description: nil, schema: schema, isStrict: nil))
        let other = try Self.decode(#"{"model":"m","messages":[],"output_format":"markdown"}"#)
        #expect(other.extensions == [Extension("output_format", JSONText(unchecked: "\"markdown\""))])
    }
}
