import Foundation
import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Anthropic requests written for an upstream")
struct AnthropicRequestEncodingTests {
    /// A request as OpenAI's decoder makes it.
    static func request(
        _ model: String = "claude-sonnet-4-5", _ change: (inout ChatRequest) -> Void = { _ in }
    ) -> ChatRequest {
        var request = ChatRequest(model: model, messages: [ChatMessage(.user, "hi")])
        request.source = .openAIChat
        change(&request)
        return request
    }

    static func encode(_ request: ChatRequest) throws -> (json: NSDictionary, lost: [String]) {
        var out = ByteBuffer()
        let losses = try AnthropicMessages.encodeRequest(request, into: &out)
        return (AnthropicFixtures.object(String(buffer: out)), losses.map(\.field))
    }

    struct Rule: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var model = "claude-sonnet-4-5"
        var change: @Sendable (inout ChatRequest) -> Void
        /// Members that the body must have, as JSON; `null` for those it must not.
        var expected: String
        var lost: [String] = []
    }

    static let schema = JSONText(unchecked: #"{"type":"object"}"#)

    static let rules: [Rule] = [
        Rule(testDescription: "a limit by default", change: { _ in }, expected: #"{"max_tokens":4096,"stream":null}"#),
        Rule(testDescription: "the client's limit", change: { $0.maxOutputTokens = 7 }, expected: #"{"max_tokens":7}"#),
        Rule(
            testDescription: "leading system messages go to the top",
            change: {
                $0.messages = [ChatMessage(.system, "a"), ChatMessage(.developer, "b"), ChatMessage(.user, "c")]
            },
            expected:
                #"{"system":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"messages":[{"role":"user","content":"c"}]}"#
        ),
        Rule(
            testDescription: "a later system message becomes the user's",
            change: { $0.messages = [ChatMessage(.user, "a"), ChatMessage(.system, "b")] },
            expected:
                #"{"system":null,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#,
            lost: ["messages.role"]),
        Rule(
            testDescription: "a system prompt alone becomes the user's",
            change: { $0.messages = [ChatMessage(.system, "a")] },
            expected: #"{"system":null,"messages":[{"role":"user","content":"a"}]}"#, lost: ["messages.role"]),
        Rule(
            testDescription: "tool results come first in their turn, ids are made to fit",
            change: { request in
                request.messages = [
                    ChatMessage(.user, "a"),
                    ChatMessage(.assistant, [.toolCall(ToolCall(id: "call:1", name: "f", arguments: ""))]),
                    ChatMessage(.tool, [.toolResult(ToolResult(callID: "call:1", content: [.text(TextPart("r"))]))]),
                    ChatMessage(.user, "b"),
                ]
            },
            expected: #"""
                {"messages":[{"role":"user","content":"a"},
                {"role":"assistant","content":[{"type":"tool_use","id":"call_1","name":"f","input":{}}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"r"},{"type":"text","text":"b"}]}]}
                """#),
        Rule(
            testDescription: "empty text is dropped, a prefill loses its trailing space",
            change: { request in
                request.messages = [
                    ChatMessage(.user, [.text(TextPart("")), .text(TextPart("a"))]), ChatMessage(.assistant, " "),
                    ChatMessage(.user, "b"), ChatMessage(.assistant, "c \n"),
                ]
            },
            expected: #"""
                {"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                {"role":"assistant","content":"c"}]}
                """#, lost: ["messages.content"]),
        Rule(
            testDescription: "reasoning without a signature is dropped",
            change: { request in
                request.messages.append(
                    ChatMessage(.assistant, [.reasoning(ReasoningPart("hm")), .text(TextPart("a"))]))
            },
            expected: #"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"}]}"#,
            lost: ["messages.reasoning_content"]),
        Rule(
            testDescription: "effort becomes a budget",
            change: { $0.reasoning = ReasoningOptions(effort: "medium") },
            expected: #"{"thinking":{"type":"enabled","budget_tokens":8192},"max_tokens":12288}"#),
        Rule(
            testDescription: "a budget stays within the client's limit",
            change: {
                $0.reasoning = ReasoningOptions(effort: "high"); $0.maxOutputTokens = 5000
            },
            expected: #"{"thinking":{"type":"enabled","budget_tokens":4000},"max_tokens":5000}"#),
        Rule(
            testDescription: "no reasoning where the limit leaves no room",
            change: {
                $0.reasoning = ReasoningOptions(effort: "low"); $0.maxOutputTokens = 1000
            },
            expected: #"{"thinking":null,"max_tokens":1000}"#, lost: ["reasoning_effort"]),
        Rule(
            testDescription: "newer models reason adaptively", model: "claude-opus-4-6",
            change: { $0.reasoning = ReasoningOptions(effort: "minimal") },
            expected: #"{"thinking":{"type":"adaptive"},"output_config":{"effort":"low"},"max_tokens":5120}"#),
        Rule(
            testDescription: "old models do not reason", model: "claude-3-5-haiku-20241022",
            change: { $0.reasoning = ReasoningOptions(effort: "high") },
            expected: #"{"thinking":null,"max_tokens":4096}"#, lost: ["reasoning_effort"]),
        Rule(
            testDescription: "a forced tool wins over reasoning",
            change: { request in
                request.reasoning = ReasoningOptions(effort: "high")
                request.tools = [Tool(name: "f", kind: .function(parameters: nil))]
                request.toolChoice = .tool("f")
            },
            expected: #"""
                {"thinking":null,"tool_choice":{"type":"tool","name":"f"},
                "tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]}
                """#, lost: ["reasoning_effort"]),
        Rule(
            testDescription: "sampling is dropped while the model reasons",
            change: { request in
                request.reasoning = ReasoningOptions(effort: "low")
                request.temperature = JSONText(unchecked: "0.5")
                request.topP = JSONText(unchecked: "0.97")
                request.topK = JSONText(5)
            },
            expected: #"{"temperature":null,"top_p":0.97,"top_k":null}"#, lost: ["temperature", "top_k"]),
        Rule(
            testDescription: "temperature is clamped", change: { $0.temperature = JSONText(unchecked: "1.5") },
            expected: #"{"temperature":1}"#, lost: ["temperature"]),
        Rule(
            testDescription: "one sampling field for newer models",
            change: { request in
                request.temperature = JSONText(unchecked: "0.5")
                request.topP = JSONText(unchecked: "0.9")
            },
            expected: #"{"temperature":0.5,"top_p":null}"#, lost: ["top_p"]),
        Rule(
            testDescription: "stop sequences of white space are dropped", change: { $0.stopSequences = ["\n", "END"] },
            expected: #"{"stop_sequences":["END"]}"#, lost: ["stop"]),
        Rule(
            testDescription: "what Anthropic has no words for",
            change: { request in
                request.seed = JSONText(1)
                request.frequencyPenalty = JSONText(1)
                request.presencePenalty = JSONText(1)
                request.logitBias = JSONText(unchecked: "{}")
                request.logprobs = true
                request.topLogprobs = 2
                request.extensions = [Extension("store", JSONText(unchecked: "true"))]
            },
            expected: #"{"seed":null,"store":null}"#,
            lost: [
                "store", "seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs",
            ]),
        Rule(
            testDescription: "a schema, and one call at a time",
            change: { request in
                request.responseFormat = .jsonSchema(
                    name: "n", description: nil, schema: Self.schema, isStrict: true)
                request.tools = [Tool(name: "f", kind: .function(parameters: Self.schema), isStrict: true)]
                request.parallelToolCalls = false
                request.endUser = "u"
                request.isStreaming = true
            },
            expected: #"""
                {"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},
                "tool_choice":{"type":"auto","disable_parallel_tool_use":true},"metadata":{"user_id":"u"},"stream":true,
                "tools":[{"name":"f","strict":true,"input_schema":{"type":"object"}}]}
                """#, lost: ["response_format.json_schema.name"]),
        Rule(
            testDescription: "JSON without a schema is asked for after the system prompt, and reported",
            change: { request in
                request.responseFormat = .jsonObject
                request.messages.insert(ChatMessage(.system, "Be brief."), at: 0)
            },
            expected: #"""
                {"output_config":null,"system":[{"type":"text","text":"Be brief."},
                {"type":"text","text":"Your final answer must be one valid JSON object and nothing else: no text before or \#
                after it, and no code fence around it."}]}
                """#, lost: ["response_format"]),
        Rule(
            testDescription: "pictures and documents",
            change: { request in
                request.messages = [
                    ChatMessage(
                        .user,
                        [
                            .image(ImagePart(.url("data:image/png;base64,QUJD"))),
                            .image(ImagePart(.url("https://a/b.png"), detail: "low")),
                            .document(DocumentPart(.base64(mediaType: "text/plain", data: "aGk="), title: "t")),
                        ])
                ]
            },
            expected: #"""
                {"messages":[{"role":"user","content":[
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},
                {"type":"image","source":{"type":"url","url":"https://a/b.png"}},
                {"type":"document","source":{"type":"text","media_type":"text/plain","data":"hi"},"title":"t"}]}]}
                """#, lost: ["messages.content.image_url.detail"]),
        Rule(
            testDescription: "five cache markers are one too many",
            change: { request in
                let parts = (0..<5).map { ContentPart.text(TextPart("\($0)", cacheMarker: CacheMarker())) }
                request.messages = [ChatMessage(.user, parts)]
            },
            expected: #"""
                {"messages":[{"role":"user","content":[{"type":"text","text":"0"},
                {"type":"text","text":"1","cache_control":{"type":"ephemeral"}},
                {"type":"text","text":"2","cache_control":{"type":"ephemeral"}},
                {"type":"text","text":"3","cache_control":{"type":"ephemeral"}},
                {"type":"text","text":"4","cache_control":{"type":"ephemeral"}}]}]}
                """#, lost: ["messages.content.cache_control"]),
    ]

    @Test("Each rule of the translation holds", arguments: Self.rules)
    func rule(_ rule: Rule) throws {
        let (json, lost) = try Self.encode(Self.request(rule.model, rule.change))
        for (key, value) in AnthropicFixtures.object(rule.expected) {
            let found = json[key] as? NSObject
            if value is NSNull {
                #expect(found == nil, "\(key)")
            } else {
                #expect(found == value as? NSObject, "\(key)")
            }
        }
        #expect(lost == rule.lost)
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout ChatRequest) -> Void
        var code: NeedletailError.Code
        var parameter: String
    }

    static let refusals: [Refusal] = [
        Refusal(testDescription: "several replies", change: { $0.choiceCount = 2 }, code: .unsupported, parameter: "n"),
        Refusal(
            testDescription: "sound wanted", change: { $0.modalities = ["text", "audio"] }, code: .unsupported,
            parameter: "modalities"),
        Refusal(
            testDescription: "sound given",
            change: { $0.messages = [ChatMessage(.user, [.audio(AudioPart(data: "A"))])] },
            code: .unsupported, parameter: "messages.content.input_audio"),
        Refusal(
            testDescription: "free-text tools", change: { $0.tools = [Tool(name: "f", kind: .custom(format: nil))] },
            code: .unsupported, parameter: "tools.custom"),
        Refusal(
            testDescription: "another provider's file",
            change: { $0.messages = [ChatMessage(.user, [.document(DocumentPart(.fileID("file-1")))])] },
            code: .unsupported, parameter: "messages.content.file.file_id"),
        Refusal(
            testDescription: "arguments that are no object",
            change: { request in
                let call = ToolCall(id: "a", name: "f", arguments: "[1")
                request.messages.append(ChatMessage(.assistant, [.toolCall(call)]))
            },
            code: .invalidRequest, parameter: "messages.tool_calls.function.arguments"),
        Refusal(
            testDescription: "nothing said", change: { $0.messages = [ChatMessage(.user, "")] }, code: .invalidRequest,
            parameter: "messages"),
    ]

    @Test("What would change the meaning is refused and named", arguments: Self.refusals)
    func refusal(_ refusal: Refusal) throws {
        var out = ByteBuffer(string: "before")
        let error = #expect(throws: NeedletailError.self) {
            try AnthropicMessages.encodeRequest(Self.request("claude-sonnet-4-5", refusal.change), into: &out)
        }
        #expect(error?.code == refusal.code)
        #expect(error?.parameter == refusal.parameter)
        #expect(String(buffer: out) == "before", "nothing half-written is left behind")
    }

    @Test("Two ids never become one")
    func ids() {
        var ids = AnthropicToolIDs()
        #expect(ids.id("a.b") == "a_b")
        #expect(ids.id("a:b") == "a_b_2")
        #expect(ids.id("a.b") == "a_b")
        #expect(ids.id("") == "_")
        #expect(ids.id("toolu_01-X") == "toolu_01-X")
    }

    @Test(
        "A model's version is read from its name",
        arguments: [
            ("claude-sonnet-4-5-20250929", 4, 5), ("claude-sonnet-4-20250514", 4, 0),
            ("claude-3-7-sonnet-latest", 3, 7),
            ("us.anthropic.claude-opus-4-6-v1:0", 4, 6), ("claude-opus-5", 5, 0), ("claude-haiku-4-5@20251001", 4, 5),
            ("anthropic/claude-sonnet-4.5", 4, 5), ("claude-2.1", 2, 1),
        ])
    func version(_ name: String, _ major: Int, _ minor: Int) {
        let version = AnthropicModelVersion(name)
        #expect(version?.major == major)
        #expect(version?.minor == minor)
    }

    @Test("Other names say nothing", arguments: ["gpt-4o", "my-claudette-4", "claude", ""])
    func noVersion(_ name: String) {
        #expect(AnthropicModelVersion(name) == nil)
    }

    @Test("A request to count tokens says nothing about the reply")
    func countTokens() throws {
        var request = Self.request()
        request.isStreaming = true
        request.maxOutputTokens = 5
        request.temperature = JSONText(unchecked: "0.5")
        request.seed = JSONText(1)
        var out = ByteBuffer()
        #expect(try AnthropicMessages.encodeCountRequest(request, into: &out) == [])
        let expected = #"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"hi"}]}"#
        #expect(AnthropicFixtures.object(String(buffer: out)) == AnthropicFixtures.object(expected))
        #expect(String(buffer: AnthropicMessages.encodeTokenCount(12)) == #"{"input_tokens":12}"#)
    }
}
