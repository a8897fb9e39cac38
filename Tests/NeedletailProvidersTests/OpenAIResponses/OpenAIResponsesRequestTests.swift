import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("OpenAI responses: requests")
struct OpenAIResponsesRequestTests {
    static func decode(_ text: String) throws(NeedletailError) -> ChatRequest {
        try OpenAIResponses.decodeRequest(ByteBuffer(string: text))
    }

    static func encode(_ request: ChatRequest, to dialect: DialectID) throws -> (json: JSONView, losses: [Loss]) {
        var out = ByteBuffer()
        let losses = try dialect.dialect.encodeRequest(request, into: &out)
        return (try JSONDocument(out).root, losses)
    }

    /// A conversation as a coding agent keeps it.
    static let agent = #"""
        {"model":"m","instructions":"Be brief.","store":false,"stream":true,"parallel_tool_calls":false,
         "include":["reasoning.encrypted_content"],"reasoning":{"effort":"low","summary":"auto"},
         "text":{"verbosity":"low"},"prompt_cache_key":"k",
         "tools":[{"type":"function","name":"shell","description":"Runs","strict":false,
                   "parameters":{"type":"object","properties":{"cmd":{"type":"string"}}}},
                  {"type":"custom","name":"patch","description":"Edits",
                   "format":{"type":"grammar","syntax":"lark","definition":"start: /.+/"}},
                  {"type":"web_search"}],
         "input":[{"type":"message","role":"developer","content":[{"type":"input_text","text":"rules"}]},
                  {"type":"message","role":"user","content":[{"type":"input_text","text":"fix it"}]},
                  {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"c2VhbA=="},
                  {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Looking."}]},
                  {"type":"function_call","call_id":"c1","name":"shell","arguments":"{\"cmd\":\"ls\"}"},
                  {"type":"custom_tool_call","call_id":"c2","name":"patch","input":"*** Begin"},
                  {"type":"function_call_output","call_id":"c1","output":"a.txt"},
                  {"type":"custom_tool_call_output","call_id":"c2","output":"done"}]}
        """#

    @Test("A coding agent's conversation is read as turns")
    func agentTurns() throws {
        let request = try Self.decode(Self.agent)
        #expect(request.messages.map(\.role) == [.system, .developer, .user, .assistant, .tool, .tool])
        #expect(
            request.messages[3].content == [
                .reasoning(ReasoningPart("hm", signature: "c2VhbA==")), .text(TextPart("Looking.")),
                .toolCall(ToolCall(id: "c1", name: "shell", arguments: #"{"cmd":"ls"}"#)),
                .toolCall(ToolCall(id: "c2", name: "patch", arguments: "*** Begin", isCustom: true)),
            ])
        #expect(request.wantsReasoningState)
        #expect(request.verbosity == "low")
        #expect(request.reasoning == ReasoningOptions(effort: "low", display: "summarized"))
        #expect(request.essentials == [])
        #expect(request.extensions == [Extension("prompt_cache_key", JSONText(string: "k"))])
    }

    @Test("A coding agent's conversation is written again as it was read")
    func agentAgain() throws {
        let request = try Self.decode(Self.agent)
        let (json, losses) = try Self.encode(request, to: .openAIResponses)
        #expect(losses == [])
        var again = try Self.decode(String(buffer: json.raw))
        again.echo = request.echo
        #expect(again == request)
        #expect(json["store"]?.bool == false)
    }

    @Test("A coding agent's conversation reaches chat completions with calls before their results")
    func agentToChat() throws {
        let (json, losses) = try Self.encode(try Self.decode(Self.agent), to: .openAIChat)
        let roles = try #require(json["messages"]).elements.map { $0["role"]?.string ?? "" }
        #expect(roles == ["system", "developer", "user", "assistant", "tool", "tool"])
        #expect(json["verbosity"]?.string == "low")
        #expect(json["reasoning_effort"]?.string == "low")
        #expect(json["tools"]?.elements.map { $0["type"]?.string } == ["function", "custom"])
        let fields = Set(losses.map(\.field))
        #expect(
            fields == [
                "tools", "input.summary", "input.encrypted_content", "reasoning.summary", "prompt_cache_key",
            ])
    }

    @Test(
        "What refers to state of a provider is essential",
        arguments: [
            (#""input":"hi","previous_response_id":"resp_1""#, "previous_response_id"),
            (#""input":"hi","conversation":"conv_1""#, "conversation"),
            (#""prompt":{"id":"pmpt_1"}"#, "prompt"),
            (#""input":"hi","background":true"#, "background"),
            (#""input":[{"type":"item_reference","id":"msg_1"}]"#, "input"),
            (#""input":[{"type":"compaction","encrypted_content":"x"}]"#, "input"),
            (#""input":"hi","tool_choice":{"type":"file_search"}"#, "tool_choice"),
        ])
    func essentials(_ body: String, _ field: String) throws {
        let request = try Self.decode(#"{"model":"m",\#(body)}"#)
        #expect(request.essentials.map(\.field) == [field])
    }

    @Test(
        "A wrong request is refused with the field at fault",
        arguments: [
            (#"{"input":"hi"}"#, "model"), (#"{"model":"m"}"#, "input"), (#"{"model":"m","input":3}"#, "input"),
            (#"{"model":"m","input":[{"role":"robot","content":"x"}]}"#, "input[0].role"),
            (#"{"model":"m","input":[{"role":"user"}]}"#, "input[0].content"),
            (#"{"model":"m","input":[{"type":"function_call","name":"f"}]}"#, "input[0].call_id"),
            (#"{"model":"m","input":[{"type":"function_call_output","call_id":"c"}]}"#, "input[0].output"),
            (#"{"model":"m","input":"x","tools":[{"type":"function"}]}"#, "tools[0].name"),
            (#"{"model":"m","input":"x","text":{"format":{"type":"xml"}}}"#, "text.format.type"),
            (#"{"model":"m","input":"x","max_output_tokens":0}"#, "max_output_tokens"),
            (#"{"model":"m","input":"x","tool_choice":"maybe"}"#, "tool_choice"),
        ])
    func faults(_ body: String, _ parameter: String) throws {
        let error = #expect(throws: NeedletailError.self) { try Self.decode(body) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == parameter)
    }

    @Test("Images and files of every kind are read")
    func media() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","input":[{"role":"user","content":[
              {"type":"input_image","image_url":"data:image/png;base64,QUJD","detail":"high"},
              {"type":"input_image","file_id":"file_1"},
              {"type":"input_file","file_data":"data:application/pdf;base64,QUJD","filename":"a.pdf"},
              {"type":"input_file","file_url":"https://example.org/b.pdf"}]}]}
            """#)
        #expect(
            request.messages[0].content == [
                .image(ImagePart(.base64(mediaType: "image/png", data: "QUJD"), detail: "high")),
                .image(ImagePart(.fileID("file_1"))),
                .document(DocumentPart(.base64(mediaType: "application/pdf", data: "QUJD"), title: "a.pdf")),
                .document(DocumentPart(.url("https://example.org/b.pdf"))),
            ])
    }

    @Test(
        "Each form of tool_choice is read and written",
        arguments: [
            #""auto""#, #""none""#, #""required""#, #"{"type":"function","name":"f"}"#,
            #"{"type":"custom","name":"c"}"#,
            #"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}"#,
            #"{"type":"web_search"}"#, #"{"type":"mcp","server_label":"s","name":"n"}"#,
        ])
    func toolChoice(_ choice: String) throws {
        let request = try Self.decode(
            #"""
            {"model":"m","input":"x","tool_choice":\#(choice),"tools":[{"type":"function","name":"f"},
             {"type":"custom","name":"c"},{"type":"web_search"}]}
            """#)
        let json = try Self.encode(request, to: .openAIResponses).json
        #expect(json["tool_choice"].map { String(buffer: $0.raw) } == choice)
    }

    @Test("A client of another dialect is not stored, and its functions stay as lax as they were")
    func foreign() throws {
        var request = ChatRequest(
            model: "m", messages: [ChatMessage(.system, "be good"), ChatMessage(.user, "hi")])
        request.source = .openAIChat
        request.tools = [Tool(name: "f", kind: .function(parameters: nil))]
        request.reasoning = ReasoningOptions(effort: "high")
        request.logprobs = true
        request.topLogprobs = 2
        request.seed = JSONText(7)
        let (json, losses) = try Self.encode(request, to: .openAIResponses)
        #expect(json["store"]?.bool == false)
        #expect(json["instructions"]?.string == "be good")
        #expect(json["tools"]?.elements.first { _ in true }?["strict"]?.bool == false)
        #expect(
            json["include"]?.elements.map { $0.string ?? "" } == [
                "message.output_text.logprobs", "reasoning.encrypted_content",
            ])
        #expect(losses.map(\.field) == ["seed"])
    }

    @Test("Several replies and sound are refused")
    func refused() throws {
        for change in [{ $0.choiceCount = 2 }, { $0.modalities = ["audio"] }] as [(inout ChatRequest) -> Void] {
            var request = ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])
            change(&request)
            #expect(throws: NeedletailError.self) { try Self.encode(request, to: .openAIResponses) }
        }
    }

    @Test("Summaries without state belong to the item with it, and come apart again")
    func summaries() throws {
        let request = try Self.decode(
            #"""
            {"model":"m","input":[{"type":"reasoning","summary":[{"type":"summary_text","text":"a"},
             {"type":"summary_text","text":"b"}],"encrypted_content":"s"},
             {"type":"reasoning","summary":[],"encrypted_content":"t"},
             {"type":"reasoning","summary":[{"type":"summary_text","text":""}],"encrypted_content":"u"},
             {"role":"user","content":"go"}]}
            """#)
        #expect(
            request.messages[0].content == [
                .reasoning(ReasoningPart("a")), .reasoning(ReasoningPart("b", signature: "s")),
                .redactedReasoning("t"), .reasoning(ReasoningPart("", signature: "u")),
            ])
        let json = try Self.encode(request, to: .openAIResponses).json
        #expect(try Self.decode(String(buffer: json.raw)).messages == request.messages)
    }
}
