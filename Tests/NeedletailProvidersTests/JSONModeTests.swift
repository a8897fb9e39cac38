import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("JSON without a schema")
struct JSONModeTests {
    static let clients: [(DialectID, String, String)] = [
        (
            .openAIChat,
            #"{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_object"}}"#,
            "response_format"
        ),
        (.ollamaChat, #"{"model":"m","messages":[{"role":"user","content":"hi"}],"format":"json"}"#, "format"),
        (
            .gemini,
            #"""
            {"contents":[{"role":"user","parts":[{"text":"hi"}]}],
            "generationConfig":{"responseMimeType":"application/json"}}
            """#, "generationConfig.responseSchema"
        ),
        (
            .openAIResponses, #"{"model":"m","input":"hi","text":{"format":{"type":"json_object"}}}"#,
            "text.format"
        ),
    ]

    @Test("is an instruction to upstreams that enforce schemas alone, and told as lost", arguments: clients)
    func emulated(_ client: DialectID, _ body: String, _ field: String) throws {
        for upstream in [DialectID.anthropicMessages, .bedrockConverse] {
            let request = try client.dialect.decodeRequest(ByteBuffer(string: body))
            var out = ByteBuffer()
            let losses = try upstream.dialect.encodeRequest(request, into: &out)
            let root = try JSONDocument(out).root
            let system =
                root["system"]?.string ?? root["system"]?.elements.map { $0["text"]?.string }.first.flatMap { $0 }
            #expect(system == JSONModeInstruction.text, "\(upstream.rawValue)")
            let loss = losses.first { $0.field == field }
            #expect(loss?.reason.contains("emulated by an instruction") == true, "\(upstream.rawValue)")
        }
    }

    @Test("is no instruction where nobody asks for it", arguments: [ResponseFormat.text, nil])
    func unasked(_ format: ResponseFormat?) throws {
        var request = ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])
        request.responseFormat = format
        var out = ByteBuffer()
        #expect(try AnthropicMessages.encodeRequest(request, into: &out).isEmpty)
        #expect(try JSONDocument(out).root["system"] == nil)
    }
}
