import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Asking for the rest of an answer")
struct ContinuationRequestTests {
    private func request(_ model: String, thinks: Bool = false) -> ChatRequest {
        var request = ChatRequest(model: model, messages: [.user("hello")])
        request.maxOutputTokens = 100
        if thinks { request.reasoning = ReasoningOptions(mode: .enabled, budgetTokens: 95) }
        return request
    }

    @Test(
        "Claude before 4.6 goes on from its own turn, everybody else is asked to",
        arguments: [
            ("claude-sonnet-4-5", DialectID.anthropicMessages, false, true),
            ("us.anthropic.claude-3-5-haiku-20241022-v1:0", .bedrockConverse, false, true),
            ("claude-sonnet-4-5", .anthropicMessages, true, false),
            ("claude-opus-4-6", .anthropicMessages, false, false),
            ("claude-sonnet-4-5", .openAIChat, false, false),
            ("amazon.nova-pro-v1:0", .bedrockConverse, false, false),
            ("gpt-4o", .openAIResponses, false, false),
        ])
    func form(model: String, dialect: DialectID, thinks: Bool, isPrefill: Bool) throws {
        var request = self.request(model, thinks: thinks)
        request.goOn(from: Continuation(text: "alpha beta \n"), model, in: dialect)
        #expect(request.messages[1] == ChatMessage(.assistant, "alpha beta"))
        #expect(request.messages.count == (isPrefill ? 2 : 3))
        if !isPrefill { #expect(request.messages[2].role == .user) }
        let left = try #require(request.maxOutputTokens)
        #expect(left < 100)
        #expect(left > (thinks ? 95 : 90))
        var body = ByteBuffer()
        _ = try dialect.dialect.encodeRequest(request, into: &body)
        #expect(String(buffer: body).contains("alpha beta"))
    }

    @Test("white space is no turn, and a limit never falls below what reasoning needs")
    func bounds() {
        var request = self.request("gpt-4o")
        request.goOn(from: Continuation(text: " \n"), "gpt-4o", in: .openAIChat)
        #expect(request.messages.count == 1)
        request = self.request("claude-sonnet-4-5", thinks: true)
        request.goOn(
            from: Continuation(text: String(repeating: "words ", count: 500)), "claude-sonnet-4-5",
            in: .anthropicMessages)
        #expect(request.maxOutputTokens == 96)
    }
}
