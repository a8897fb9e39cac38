import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("Completions")
struct CompletionsTests {
    private static func decode(_ text: String) throws -> ChatRequest {
        try OpenAICompletions.decodeRequest(ByteBuffer(string: text))
    }

    private static func encode(
        _ request: ChatRequest, _ dialect: DialectID = .openAICompletions
    ) throws -> (String, [String]) {
        var out = ByteBuffer()
        let losses = try dialect.dialect.encodeRequest(request, into: &out)
        return (String(buffer: out), losses.map(\.field))
    }

    @Test("A prompt is what the user says, for whoever holds conversations")
    func prompt() throws {
        let request = try Self.decode(
            #"{"model":"m","prompt":["x"],"max_tokens":9,"logprobs":2,"stop":"a","echo":false,"suffix":null,"best_of":1,"n":2}"#
        )
        #expect(request.messages == [.user("x")] && request.extensions == [])
        #expect(request.logprobs == true && request.topLogprobs == 2 && request.choiceCount == 2)
        #expect(
            try Self.encode(request, .openAIChat).0
                == #"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":9,"stop":["a"],"n":2,"#
                + #""logprobs":true,"top_logprobs":2}"#)
    }

    @Test(
        "What a conversation has no words for is kept for completions and refused elsewhere",
        arguments: [
            #""prompt":["a","b"]"#, #""prompt":[1,2]"#, #""prompt":[[1],[2]]"#, #""prompt":"x","echo":true"#,
            #""prompt":"x","suffix":"y""#,
        ])
    func demanding(_ fields: String) throws {
        let request = try Self.decode(#"{"model":"m",\#(fields)}"#)
        #expect(try Self.decode(try Self.encode(request).0) == request)
        let field = request.extensions.first?.path
        for dialect: DialectID in [.openAIChat, .anthropicMessages, .ollamaChat, .cohereChat] {
            let error = #expect(throws: NeedletailError.self) { try CompletionFields.check(request, for: dialect) }
            #expect(error?.code == .unsupported && error?.parameter == field)
        }
    }

    @Test("Text is filled in by both kinds of completion")
    func suffix() throws {
        let request = try Self.decode(#"{"model":"m","prompt":"a","suffix":"b"}"#)
        #expect(
            try Self.encode(request, .ollamaGenerate).0 == #"{"model":"m","prompt":"a","stream":false,"suffix":"b"}"#)
    }

    @Test("A conversation is asked as one message as it stands, or as a transcript")
    func transcript() throws {
        var request = ChatRequest(model: "m", messages: [.user("x")])
        request.source = .openAIChat
        request.logprobs = true
        #expect(try Self.encode(request).0 == #"{"model":"m","prompt":"x","logprobs":0}"#)
        request.messages = [.system("s"), .user("a"), .assistant("b")]
        let (text, losses) = try Self.encode(request)
        #expect(text.contains(#""prompt":"System: s\n\nUser: a\n\nAssistant: b""#))
        #expect(losses == ["messages.role"])
    }

    @Test("What a transcript cannot say is refused")
    func refused() {
        func refuse(_ parameter: String, _ change: (inout ChatRequest) -> Void) {
            var request = ChatRequest(model: "m", messages: [.user("x")])
            request.source = .openAIChat
            change(&request)
            let error = #expect(throws: NeedletailError.self) { try Self.encode(request) }
            #expect(error?.code == .unsupported && error?.parameter == parameter)
        }
        refuse("tools") { $0.tools = [Tool(name: "f", kind: .function(parameters: nil))] }
        refuse("messages.tool_call_id") { $0.messages.append(.toolResult("c", "r")) }
        refuse("response_format") { $0.responseFormat = .jsonObject }
        refuse("messages.content.image_url") {
            $0.messages = [ChatMessage(.user, [.image(ImagePart(.url("https://x")))])]
        }
        refuse("messages.content.file") {
            $0.messages = [ChatMessage(.user, [.document(DocumentPart(.url("https://x")))])]
        }
    }

    private static let good =
        #"data: {"id":"r","object":"text_completion","created":7,"model":"m","choices":[{"text":"Gr","index":0,"logprobs":null,"finish_reason":null}]}"#
        + "\n\n"
        + #"data: {"id":"r","created":7,"model":"m","choices":[{"text":"b","index":1,"finish_reason":null},{"text":"üß","index":0,"logprobs":{"tokens":["üß"],"token_logprobs":[-0.5],"top_logprobs":[{"üß":-0.5,"x":-2}],"text_offset":[2]},"finish_reason":"stop","stop_reason":"END"}]}"#
        + "\n\n"
        + #"data: {"id":"r","choices":[{"text":"","index":1,"finish_reason":"length"}]}"# + "\n\n"
        + #"data: {"id":"r","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#
        + "\n\ndata: [DONE]\n\n"

    @Test("A stream of several choices means the same wherever it is split")
    func splits() throws {
        let whole = try NativeRecordings.decode([ByteBuffer(string: Self.good)], .openAICompletions)
        let reply = OpenAIChatCollector.reply(whole)
        #expect(reply.choices.map(\.content) == [[.text(TextPart("Grüß"))], [.text(TextPart("b"))]])
        #expect(reply.choices.map(\.stopReason) == [.stopSequence, .maxTokens])
        #expect(reply.usage == Usage(inputTokens: 3, outputTokens: 4))
        let bytes = Array(Self.good.utf8)
        for split in 0...bytes.count {
            let events = try NativeRecordings.decode(
                [ByteBuffer(bytes: bytes[..<split]), ByteBuffer(bytes: bytes[split...])], .openAICompletions)
            #expect(events == whole, "split at \(split)")
        }
        let (out, _) = NativeRecordings.encode(whole, .openAICompletions, source: .openAICompletions)
        #expect(
            String(buffer: out).contains(
                #""logprobs":{"tokens":["üß"],"token_logprobs":[-0.5],"top_logprobs":[{"üß":-0.5,"x":-2}],"text_offset":[0]}"#
            ))
    }

    @Test("A stream that stops early, turns to garbage or tells an error has failed")
    func broken() throws {
        func code(_ text: String) -> NeedletailError.Code? {
            #expect(throws: NeedletailError.self) {
                try NativeRecordings.decode([ByteBuffer(string: text)], .openAICompletions)
            }?.code
        }
        let begin = #"data: {"id":"r","choices":[{"text":"a","index":0,"finish_reason":null}]}"# + "\n\n"
        #expect(code(begin) == .unreachable)
        #expect(code("data: [DONE]\n\n") == .malformedReply)
        #expect(code(begin + "data: x\n\n") == .malformedReply)
        #expect(code(begin + #"data: {"error":{"message":"broke"}}"# + "\n\n") == .upstreamFailed)
        #expect(
            try NativeRecordings.decode([ByteBuffer(string: begin + "data: [DONE]\n\n")], .openAICompletions).count == 3
        )
    }

    @Test("A refusal reads as filtered, and calls are named as lost")
    func reply() throws {
        var reply = ChatResponse(
            id: "r", model: "m",
            choices: [
                ChatChoice(content: [.refusal("no")], stopReason: .endTurn),
                ChatChoice(
                    index: 1, content: [.toolCall(ToolCall(id: "c", name: "f", arguments: "{}"))],
                    stopReason: .toolCalls),
            ])
        reply.source = .openAIChat
        var out = ByteBuffer()
        let losses = try OpenAICompletions.encodeReply(reply, created: 5, into: &out)
        #expect(losses.map(\.field) == ["choices.message.tool_calls", "choices.finish_reason"])
        #expect(
            String(buffer: out)
                == #"{"id":"r","object":"text_completion","created":5,"model":"m","choices":[{"text":"no","index":0,"#
                + #""logprobs":null,"finish_reason":"content_filter"},{"text":"","index":1,"logprobs":null,"finish_reason":"stop"}]}"#
        )
    }

    @Test("A prompt may be scored with nothing added")
    func scored() throws {
        let body = ByteBuffer(string: #"{"model":"m","prompt":"x","max_tokens":0,"echo":true,"logprobs":1}"#)
        #expect(try RequestPeek.read(body, dialect: .openAICompletions, operation: .chat).maxOutputTokens == 0)
    }
}
