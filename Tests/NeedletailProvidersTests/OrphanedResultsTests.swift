import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Results of calls that only another dialect knows")
struct OrphanedResultsTests {
    private static func decode(_ items: String) throws -> ChatRequest {
        try OpenAIResponses.decodeRequest(
            .init(
                string: #"""
                    {"model":"m","input":[{"role":"user","content":"hi"},
                    {"type":"local_shell_call","id":"l1","call_id":"c3","status":"completed",
                    "action":{"type":"exec","command":["ls"],"env":{}}},\#(items)]}
                    """#))
    }

    private static let call = #"{"type":"function_call","call_id":"c4","name":"f","arguments":"{}"}"#
    private static func result(_ id: String) -> String {
        #"{"type":"function_call_output","call_id":"\#(id)","output":"out"}"#
    }

    private static func results(_ request: ChatRequest) -> [String] {
        request.messages.flatMap(\.content).compactMap { part in
            if case .toolResult(let result) = part { result.callID } else { nil }
        }
    }

    @Test("are left out with the calls, and told as lost; others stay")
    func orphaned() throws {
        var request = try Self.decode("\(Self.call),\(Self.result("c3")),\(Self.result("c4"))")
        let whole = request
        var losses: [Loss] = []
        request.removeOrphanedResults(for: .openAIResponses, losses: &losses)
        #expect(request == whole && losses.isEmpty)
        request.removeOrphanedResults(for: .openAIChat, losses: &losses)
        #expect(Self.results(request) == ["c4"])
        #expect(!request.messages.contains { $0.content.isEmpty })
        #expect(losses.map(\.field) == [ModelField.toolResult.name(in: .openAIResponses)])
    }

    @Test("a request reaches a server of chat completions without them")
    func sent() async throws {
        let bench = Bench(.openAICompatible) { _ in json(#"{"choices":[{"index":0,"message":{"content":"Hi"}}]}"#) }
        let body = #"""
            {"model":"m","input":[{"role":"user","content":"hi"},
            {"type":"local_shell_call","call_id":"c3","action":{"type":"exec","command":["ls"]}},\#(Self.result("c3"))]}
            """#
        let reply = try await bench.ask(body, .openAIResponses)
        let roles = try JSONDocument(try bench.sent.body).root["messages"]?.elements.map { $0["role"]?.string }
        #expect(roles?.contains("tool") == false)
        #expect(reply.losses.contains { $0.field == ModelField.toolResult.name(in: .openAIResponses) })
    }
}
