import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Requests of which nothing can be told")
struct NothingToTellTests {
    @Test("a conversation of parts that no other dialect knows is refused, and passes to its own")
    func opaque() throws {
        let part = ContentPart.opaque(OpaquePart(dialect: .bedrockConverse, type: "video", json: try JSONText("{}")))
        let request = ChatRequest(model: "m", messages: [ChatMessage(.user, [part])])
        #expect(request.isTold(in: .bedrockConverse))
        #expect(!request.isTold(in: .openAIChat))
        var more = request
        more.messages.append(ChatMessage(.user, "hi"))
        #expect(more.isTold(in: .openAIChat))
    }
}
