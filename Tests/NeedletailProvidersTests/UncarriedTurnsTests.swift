import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Turns of which nothing can be carried")
struct UncarriedTurnsTests {
    private static let parts: [ContentPart] = [
        .redactedReasoning("R"),
        .opaque(OpaquePart(dialect: .anthropicMessages, type: "t", json: JSONText(unchecked: "{}"))),
    ]

    private static func encode(_ client: DialectID, _ role: ChatMessage.Role) throws -> (text: String, lost: [String]) {
        var request = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(.user, "first"), ChatMessage(role, Self.parts), ChatMessage(.user, "second"),
            ])
        request.source = .anthropicMessages
        var out = ByteBuffer()
        let losses = try client.dialect.encodeRequest(request, into: &out)
        return (String(buffer: out), losses.map(\.field))
    }

    @Test("are left out and told", arguments: [DialectID.gemini, .cohereChat], [ChatMessage.Role.user, .assistant])
    func leftOut(_ upstream: DialectID, _ role: ChatMessage.Role) throws {
        let (text, lost) = try Self.encode(upstream, role)
        #expect(!text.contains("[]") && !text.contains("assistant") && !text.contains(#""model","#))
        #expect(lost.contains(ModelField.contentRedacted.name(in: .anthropicMessages)))
        #expect(lost.contains(ModelField.contentOpaque.name(in: .anthropicMessages)))
    }

    @Test("leave their neighbours as one turn where the upstream wants turns to alternate")
    func merged() throws {
        let text = try Self.encode(.gemini, .assistant).text
        #expect(text.contains(#"[{"role":"user","parts":[{"text":"first"},{"text":"second"}]}]"#), "\(text)")
    }

    @Test("stay where something of them can be carried", arguments: [DialectID.gemini, .cohereChat])
    func kept(_ upstream: DialectID) throws {
        var request = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(.user, "first"), ChatMessage(.assistant, Self.parts + [.text(TextPart("kept"))]),
                ChatMessage(.user, "second"),
            ])
        request.source = .anthropicMessages
        var out = ByteBuffer()
        _ = try upstream.dialect.encodeRequest(request, into: &out)
        #expect(String(buffer: out).contains("kept"))
    }

    @Test("leave a document's message to Cohere with a text to hold it")
    func document() throws {
        let document = DocumentPart(.text("d"))
        var request = ChatRequest(model: "m", messages: [ChatMessage(.user, Self.parts + [.document(document)])])
        request.source = .anthropicMessages
        var out = ByteBuffer()
        _ = try CohereChat.encodeRequest(request, into: &out)
        #expect(String(buffer: out).contains(#""content":[{"type":"text","text":""}]"#))
    }
}
