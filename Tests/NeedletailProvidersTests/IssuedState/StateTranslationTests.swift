import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("State in requests that are translated")
struct StateTranslationTests {
    private static let chat = #"""
        {"model":"m","max_tokens":4000,"reasoning_effort":"low","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning_content":"old","thinking_blocks":[{"type":"thinking","thinking":"old","signature":"bWluZQ=="},{"type":"redacted_thinking","data":"aGlkZGVu"}]},{"role":"user","content":"c"},{"role":"assistant","content":null,"reasoning_content":"new","thinking_blocks":[{"type":"thinking","thinking":"new","signature":"dGhlaXJz"}],"tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"x","content":"r"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}
        """#

    @Test("To Claude only its own go; the rest of the conversation goes on without its reasoning")
    func toClaude() async throws {
        let bench = StateBench(.anthropic)
        try bench.issue(own: ["bWluZQ==", "aGlkZGVu"], foreign: ["dGhlaXJz"])
        let (body, losses) = try await bench.call(Self.chat, .openAIChat)
        #expect(body.contains("bWluZQ==") && body.contains("aGlkZGVu") && !body.contains("dGhlaXJz"))
        #expect(!body.contains(#""new""#) && body.contains(#""tool_use""#))
        #expect(!body.contains("budget_tokens"), "a turn without its reasoning is not gone on from with reasoning")
        #expect(losses.contains("messages.thinking_blocks") && losses.contains("messages.reasoning_content"))
    }

    @Test("What nobody knows goes only to an upstream that nobody is beside", arguments: [true, false])
    func unknown(isAlone: Bool) async throws {
        let bench = StateBench(.anthropic, isAlone: isAlone)
        let (body, losses) = try await bench.call(Self.chat, .openAIChat)
        #expect(body.contains("dGhlaXJz") == isAlone && body.contains("aGlkZGVu") == isAlone)
        #expect(losses.contains("messages.thinking_blocks") != isAlone)
    }

    @Test("To Gemini 3 the text of reasoning goes without a foreign signature, and its call with Google's word")
    func toGemini() async throws {
        let bench = StateBench(.gemini, model: "gemini-3-pro")
        try bench.issue(foreign: ["bWluZQ==", "aGlkZGVu", "dGhlaXJz"])
        let (body, losses) = try await bench.call(Self.chat, .openAIChat)
        #expect(body.contains(#"{"text":"new","thought":true}"#))
        #expect(body.contains(#""thoughtSignature":"skip_thought_signature_validator""#))
        #expect(!body.contains("dGhlaXJz") && !body.contains("bWluZQ"))
        #expect(losses.contains("messages.thinking_blocks"))
        try bench.issue(own: ["dGhlaXJz"])
        let own = try await bench.call(
            Self.chat.replacing(
                #""thinking_blocks":[{"type":"thinking","thinking":"new","signature":"dGhlaXJz"}],"tool_calls":[{"id":"x""#,
                with: #""tool_calls":[{"extra_content":{"google":{"thought_signature":"dGhlaXJz"}},"id":"x""#),
            .openAIChat)
        #expect(own.body.contains(#""thoughtSignature":"dGhlaXJz""#))
    }

    @Test("To OpenAI reasoning goes only with its own state")
    func toResponses() async throws {
        let bench = StateBench(.openAI, dialect: .openAIResponses)
        try bench.issue(own: ["bWluZQ=="], foreign: ["aGlkZGVu", "dGhlaXJz"])
        let (body, losses) = try await bench.call(Self.chat, .openAIChat)
        #expect(body.contains(#""encrypted_content":"bWluZQ==""#))
        #expect(!body.contains("dGhlaXJz") && !body.contains("aGlkZGVu") && !body.contains(#""new""#))
        #expect(losses.contains("messages.thinking_blocks"))
    }

    @Test("Claude behind Converse reads what a client of messages brings, and is not made to reason without its own")
    func toConverse() async throws {
        let request = #"""
            {"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"SIGNATURE"},{"type":"tool_use","id":"x","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"ok"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}
            """#
        let bench = StateBench(
            .bedrock, model: "anthropic.claude-x", dialect: .bedrockConverse, settings: ["region": "r"])
        try bench.issue(own: ["bWluZQ=="], foreign: ["dGhlaXJz"])
        let unknown = try await bench.call(request, .anthropicMessages)
        #expect(unknown.body.contains("SIGNATURE") && unknown.body.contains("budget_tokens"))
        #expect(unknown.losses.isEmpty)
        let foreign = try await bench.call(request.replacing("SIGNATURE", with: "dGhlaXJz"), .anthropicMessages)
        #expect(!foreign.body.contains("dGhlaXJz") && !foreign.body.contains("budget_tokens"))
        #expect(foreign.losses.contains("messages.content.signature") && foreign.losses.contains("thinking"))
    }

    private static let files: [(dialect: DialectID, request: String)] = [
        (
            .openAIChat,
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-secret"}}]}]}"#
        ),
        (
            .anthropicMessages,
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"file-secret"}}]}]}"#
        ),
        (
            .openAIResponses,
            #"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"file-secret"}]}]}"#
        ),
        (
            .gemini,
            #"{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/file-secret"}}]}]}"#
        ),
    ]

    @Test(
        "The id of a file goes to no provider of another dialect",
        arguments: [
            DialectID.openAIChat, .anthropicMessages, .openAIResponses, .gemini, .bedrockConverse, .cohereChat,
        ],
        0..<4)
    func files(upstream: DialectID, client: Int) async throws {
        let (dialect, request) = Self.files[client]
        let bench = StateBench(.mock, dialect: upstream)
        if dialect == upstream {
            #expect(try await bench.call(request, dialect).body == request)
        } else {
            let error = await #expect(throws: NeedletailError.self) { try await bench.call(request, dialect) }
            #expect(error?.code == .unsupported && error?.parameter != nil)
        }
    }

    @Test("Without a table everything goes as it comes")
    func withoutTable() async throws {
        let bench = Bench { _ in json("{}", status: 500) }
        #expect(bench.provider.stateIssuer == nil)
    }
}
