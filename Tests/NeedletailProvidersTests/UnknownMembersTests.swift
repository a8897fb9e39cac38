import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Translation loses nothing in silence")
struct UnknownMembersTests {
    private static func losses(_ body: String, from client: DialectID, to upstream: DialectID) throws -> [String] {
        let request = try client.dialect.decodeRequest(ByteBuffer(string: body))
        var out = ByteBuffer()
        return try upstream.dialect.encodeRequest(request, into: &out).map(\.field)
    }

    private static func check(_ member: UnknownMember, _ upstream: DialectID) throws {
        let request = try member.client.dialect.decodeRequest(ByteBuffer(string: member.body))
        #expect(request.extensions.contains { $0.path == member.path && $0.value.description == "1" })
        var out = ByteBuffer()
        if member.isRefused {
            #expect(throws: NeedletailError.self) { try upstream.dialect.encodeRequest(request, into: &out) }
        } else {
            let losses = try upstream.dialect.encodeRequest(request, into: &out)
            #expect(losses.contains { $0.field == member.path }, "\(losses.map(\.field))")
        }
    }

    @Test("an unknown member of any object of an OpenAI request is a loss", arguments: UnknownMember.openAI)
    func openAI(_ member: UnknownMember) throws {
        try Self.check(member, .anthropicMessages)
    }

    @Test("an unknown member of any object of an Anthropic request is a loss", arguments: UnknownMember.anthropic)
    func anthropic(_ member: UnknownMember) throws {
        try Self.check(member, .openAIChat)
    }

    @Test("the samples reach the objects that they are there for")
    func reach() {
        let openAI = Set(UnknownMember.openAI.map(\.path))
        let anthropic = Set(UnknownMember.anthropic.map(\.path))
        #expect(UnknownMember.openAI.count > 60 && UnknownMember.anthropic.count > 30)
        #expect(openAI.isSuperset(of: ["Q8", "tool_choice.function.Q8", "messages.tool_calls.function.Q8"]))
        #expect(openAI.isSuperset(of: ["response_format.json_schema.Q8", "messages.content.image_url.Q8"]))
        #expect(anthropic.isSuperset(of: ["Q8", "messages.content.source.Q8", "messages.content.citations.Q8"]))
    }

    @Test(
        "a known field without a counterpart is a loss",
        arguments: [
            (#""max_tokens":5,"max_completion_tokens":9,"messages":[{"role":"user","content":"x"}]"#, "max_tokens"),
            (
                #""messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","#
                    + #""json_schema":{"name":"a","schema":{"type":"object"}}}"#, "response_format.json_schema.name"
            ),
            (
                #""messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"t1","#
                    + #""type":"function","function":{"name":"f","arguments":"{}"}}]},"#
                    + #"{"role":"tool","tool_call_id":"t1","name":"f","content":"y"}]"#, "messages.name"
            ),
            (
                #""messages":[{"role":"user","content":"x"},{"role":"assistant","refusal":"no"},"#
                    + #"{"role":"user","content":"y"}]"#, "messages.refusal"
            ),
            (
                #""messages":[{"role":"user","content":"x"},{"role":"assistant","content":"hm","refusal":"no","#
                    + #""cache_control":{"type":"ephemeral"}},{"role":"user","content":"y"}]"#,
                "messages.cache_control"
            ),
            (
                #""messages":[{"role":"user","content":"x"},{"role":"assistant","content":"hm","#
                    + #""reasoning_details":[{"type":"reasoning.other","format":"other-v1","data":"d"}]},"#
                    + #"{"role":"user","content":"y"}]"#, "messages.reasoning_details.data"
            ),
        ])
    func known(_ fields: String, _ name: String) throws {
        let body = #"{"model":"claude-sonnet-4-5","# + fields + "}"
        let losses = try Self.losses(body, from: .openAIChat, to: .anthropicMessages)
        #expect(losses.contains(name), "\(losses)")
    }

    @Test(
        "tools that may not be called are left out where that cannot be said, and are told as lost",
        arguments: [DialectID.bedrockConverse, .ollamaChat, .ollamaGenerate, .openAICompletions])
    func forbidden(_ upstream: DialectID) throws {
        let body =
            #"{"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"none","tools":[{"type":"function","#
            + #""function":{"name":"f","parameters":{"type":"object"}}}]}"#
        #expect(try Self.losses(body, from: .openAIChat, to: upstream).contains("tools"))
    }

    @Test("sampling that a reasoning model does not take is a loss", arguments: ["0", "0.5"])
    func sampling(_ temperature: String) throws {
        let body =
            #"{"contents":[{"role":"user","parts":[{"text":"x"}]}],"generationConfig":{"temperature":"# + temperature
            + #","thinkingConfig":{"thinkingBudget":2000}}}"#
        let losses = try Self.losses(body, from: .gemini, to: .anthropicMessages)
        #expect(losses.contains("generationConfig.temperature"), "\(losses)")
    }

    @Test(
        "a refused file is called what its client calls it",
        arguments: DialectID.allCases.filter { ![.gemini, .anthropicMessages, .openAIResponses].contains($0) })
    func files(_ upstream: DialectID) throws {
        let body =
            #"{"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"https://u/a.pdf"}}]}]}"#
        let request = try Gemini.decodeRequest(ByteBuffer(string: body))
        var out = ByteBuffer()
        let refusal = #expect(throws: NeedletailError.self) { try upstream.dialect.encodeRequest(request, into: &out) }
        #expect(refusal?.parameter == "contents.parts.fileData")
    }

    @Test("a call that cannot be said to an upstream of one prompt is refused by its name")
    func callsOfPrompts() throws {
        let body =
            #"{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}"#
        let request = try Gemini.decodeRequest(ByteBuffer(string: body))
        for upstream in [DialectID.ollamaGenerate, .openAICompletions] {
            var out = ByteBuffer()
            let refusal = #expect(throws: NeedletailError.self) {
                try upstream.dialect.encodeRequest(request, into: &out)
            }
            #expect(refusal?.parameter == "contents.parts.functionCall")
        }
    }

    @Test("a demand for a tool where none is left is a loss; leave to call one is not")
    func demands() throws {
        let openAI = #"{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}],"tool_choice":"#
        let anthropic =
            #"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"#
        #expect(
            try Self.losses(openAI + #""required"}"#, from: .openAIChat, to: .anthropicMessages) == ["tool_choice"])
        #expect(try Self.losses(openAI + #""auto"}"#, from: .openAIChat, to: .anthropicMessages).isEmpty)
        #expect(
            try Self.losses(anthropic + #""any"}}"#, from: .anthropicMessages, to: .openAIChat) == ["tool_choice"])
        #expect(try Self.losses(anthropic + #""none"}}"#, from: .anthropicMessages, to: .openAIChat).isEmpty)
    }

    @Test("equal limits under both names lose nothing; a second one is never written twice")
    func limits() throws {
        let messages = #""messages":[{"role":"user","content":"x"}]}"#
        let same = #"{"model":"claude-sonnet-4-5","max_tokens":9,"max_completion_tokens":9,"# + messages
        #expect(try Self.losses(same, from: .openAIChat, to: .anthropicMessages).isEmpty)
        let other = #"{"model":"m","max_tokens":5,"max_completion_tokens":9,"# + messages
        let request = try OpenAIChat.decodeRequest(ByteBuffer(string: other))
        var out = ByteBuffer()
        let losses = try OpenAIChat.encodeRequest(request, into: &out)
        #expect(losses.map(\.field) == ["max_tokens"])
        let text = String(buffer: out)
        #expect(text.contains(#""max_tokens":9"#) && !text.contains(#""max_tokens":5"#))
    }
}
