import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("What a stream may lose")
struct StreamLossesTests {
    private static func names(_ features: Features) -> Set<String> {
        var request = InferenceRequest(
            operation: .chat, model: "m", body: .model(ChatRequest(model: "m")), replyDialect: nil)
        request.features = features
        let losses = StreamLosses.possible(from: .anthropicMessages, to: .openAICompletions, for: request)
        return Set(losses.map(\.field))
    }

    @Test("reasoning and citations are named whether or not they were asked for")
    func unasked() {
        guard DialectID.allCases.contains(.openAICompletions) else { return }
        #expect(Self.names([]).isSuperset(of: ["content.thinking", "content.signature", "content.citations"]))
    }

    @Test("calls are named where the client's dialect has none and there are tools")
    func calls() {
        #expect(!Self.names([]).contains("content.tool_use"))
        #expect(Self.names(.tools).contains("content.tool_use"))
    }

    @Test("a stop reason and parts that only one dialect knows are named without tools too")
    func withoutTools() {
        #expect(Self.names([]).isSuperset(of: ["content", "stop_reason"]))
        #expect(!Self.names([]).contains("usage.server_tool_use"))
    }

    @Test(
        "a stop reason is named for every client whose dialect has not all words",
        arguments: [DialectID.anthropicMessages, .bedrockConverse, .gemini, .cohereChat, .ollamaChat, .openAIResponses])
    func stopReasons(_ client: DialectID) {
        let request = InferenceRequest(
            operation: .chat, model: "m", body: .model(ChatRequest(model: "m")), replyDialect: nil)
        let losses = StreamLosses.possible(from: .openAIChat, to: client, for: request)
        #expect(losses.map(\.field).contains(ModelField.stopReason.name(in: .openAIChat)))
    }
}
