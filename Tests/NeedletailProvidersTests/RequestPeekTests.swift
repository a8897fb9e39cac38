import NIOCore
import NeedletailCore
import Testing

@testable import NeedletailProviders

@Suite("RequestPeek")
struct RequestPeekTests {
    private static func read(
        _ body: String,
        _ dialect: DialectID = .openAIChat,
        _ operation: NeedletailCore.Operation = .chat
    ) throws(NeedletailError) -> InferenceRequest {
        try RequestPeek.read(ByteBuffer(string: body), dialect: dialect, operation: operation)
    }

    private static func landmarks(_ request: InferenceRequest) throws -> (WireBody, BodyLandmarks) {
        guard case .wire(let body, let landmarks) = request.body else {
            throw NeedletailError(.internalFailure, "not the wire body")
        }
        return (body, landmarks)
    }

    @Test(
        "the model of a path is the model of the request and of its body",
        arguments: [
            (
                #"{"model":"dear","messages":[{"role":"user","content":"x"}]}"#,
                #"{"model":"cheap","messages":[{"role":"user","content":"x"}]}"#
            ),
            (
                #"{"messages":[{"role":"user","content":"x"}]}"#,
                #"{"messages":[{"role":"user","content":"x"}],"model":"cheap"}"#
            ),
        ])
    func modelInPath(body: String, written: String) throws {
        let request = try RequestPeek.read(
            ByteBuffer(string: body), dialect: .openAIChat, operation: .chat, model: "cheap")
        guard case .wire(let wire, let landmarks) = request.body else {
            Issue.record("no bytes")
            return
        }
        #expect(request.model == "cheap" && String(buffer: wire.bytes) == written)
        let range = try #require(landmarks.model)
        #expect(written.utf8.dropFirst(range.lowerBound).prefix(range.count).elementsEqual("\"cheap\"".utf8))
    }

    @Test("reads every fact of a request")
    func facts() throws {
        let text = """
             { "messages" : [ {"role":"user","content":"hi"} ] , "model":"gpt-4o","stream" : true,
            "stream_options":{"other":[1,{}],"include_usage":true}, "max_tokens": 7, "unknown": {"model":"x"} }

            """
        let request = try Self.read(text)
        let (body, landmarks) = try Self.landmarks(request)
        #expect(request.model == "gpt-4o")
        #expect(request.isStreaming)
        #expect(request.maxOutputTokens == 7)
        #expect(request.operation == .chat)
        #expect(request.replyDialect == .openAIChat)
        #expect(body.dialect == .openAIChat)
        #expect(String(buffer: body.bytes) == text)
        #expect(landmarks.asksForStreamUsage)
        let units = Array(text.utf8)
        let model = try #require(landmarks.model)
        #expect(String(decoding: units[model], as: UTF8.self) == "\"gpt-4o\"")
        let options = try #require(landmarks.streamOptions)
        #expect(String(decoding: units[options], as: UTF8.self) == #"{"other":[1,{}],"include_usage":true}"#)
        #expect(landmarks.end == text.utf8.count - 2)
        #expect(units[landmarks.end] == UInt8(ascii: "}"))
    }

    @Test("counts offsets from the reader index")
    func readerIndex() throws {
        var body = ByteBuffer(string: #"junk{"model":"m","messages":[0]}"#)
        body.moveReaderIndex(forwardBy: 4)
        let request = try RequestPeek.read(body, dialect: .openAIChat, operation: .chat)
        let (_, landmarks) = try Self.landmarks(request)
        #expect(landmarks.model == 9..<12)
        #expect(landmarks.end == 27)
    }

    @Test(
        "reads escaped keys and models",
        arguments: [
            (#"{"model":"gpt\u002d4","messages":[1]}"#, "gpt-4"),
            (#"{"mod\u0065l":"a","messages":[1]}"#, "a"),
            (#"{"model":"\ud83e\udea1","m\u0065ssages":[1]}"#, "🪡"),
        ]
    )
    func escapes(_ body: String, _ model: String) throws {
        #expect(try Self.read(body).model == model)
    }

    @Test(
        "refuses a wrong field and names it",
        arguments: [
            ("{}", "model"), (#"{"messages":[1]}"#, "model"), (#"{"model":"m"}"#, "messages"),
            (#"{"model":null,"messages":[1]}"#, "model"), (#"{"model":5,"messages":[1]}"#, "model"),
            (#"{"model":"","messages":[1]}"#, "model"), (#"{"model":["m"],"messages":[1]}"#, "model"),
            (#"{"model":"m","messages":null}"#, "messages"), (#"{"model":"m","messages":{}}"#, "messages"),
            (#"{"model":"m","messages":"hi"}"#, "messages"), (#"{"model":"m","messages":[ ]}"#, "messages"),
            (#"{"model":"m","messages":[1],"stream":1}"#, "stream"),
            (#"{"model":"m","messages":[1],"stream":"true"}"#, "stream"),
            (#"{"model":"m","messages":[1],"stream_options":[]}"#, "stream_options"),
            (#"{"model":"m","messages":[1],"stream_options":{"include_usage":1}}"#, "stream_options.include_usage"),
            (#"{"model":"a","messages":[1],"model":"b"}"#, "model"),
            (#"{"model":"a","messages":[1],"mod\u0065l":"b"}"#, "model"),
            (#"{"model":"a","messages":[1],"messages":[2]}"#, "messages"),
            (#"{"model":"a","messages":[1],"stream":true,"stream":false}"#, "stream"),
            (#"{"model":"a","messages":[1],"stream_options":{},"stream_options":{}}"#, "stream_options"),
            (#"{"model":"a","messages":[1],"max_tokens":1,"max_tokens":1}"#, "max_tokens"),
            (
                #"{"model":"a","messages":[1],"max_completion_tokens":1,"max_completion_tokens":1}"#,
                "max_completion_tokens"
            ),
        ]
    )
    func refused(_ body: String, _ parameter: String) {
        let error = #expect(throws: NeedletailError.self) { try Self.read(body) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == parameter)
    }

    @Test("refuses a limit on tokens that is none", arguments: ["max_tokens", "max_completion_tokens"])
    func limits(_ name: String) throws {
        for bad in ["0", "-1", "-0", "1.5", "\"5\"", "true", "[]", "{}", "0.0", "1e-1", "-1e3", "0e9"] {
            let error = #expect(throws: NeedletailError.self, "\(bad)") {
                try Self.read(#"{"model":"m","messages":[1],"\#(name)":\#(bad)}"#)
            }
            #expect(error?.parameter == name)
        }
        let most = Int(Int32.max)
        for (good, value) in [
            ("1", 1), ("256.0", 256), ("1e3", 1000), ("4096", 4096), ("99999999999999999999999", most),
            ("1e300", most), ("1e999", most),
        ] {
            #expect(try Self.read(#"{"model":"m","messages":[1],"\#(name)":\#(good)}"#).maxOutputTokens == value)
        }
        #expect(try Self.read(#"{"model":"m","messages":[1],"\#(name)":null}"#).maxOutputTokens == nil)
    }

    @Test("Anthropic's chat needs max_tokens, its counting does not")
    func anthropic() throws {
        let body = #"{"model":"m","messages":[1]}"#
        let error = #expect(throws: NeedletailError.self) { try Self.read(body, .anthropicMessages) }
        #expect(error?.message == "max_tokens: Field required")
        #expect(error?.parameter == "max_tokens")
        #expect(try Self.read(body, .anthropicMessages, .countTokens).operation == .countTokens)
        let null = #"{"model":"m","messages":[1],"max_tokens":null}"#
        #expect(throws: NeedletailError.self) { try Self.read(null, .anthropicMessages) }
    }

    @Test(
        "says where malformed JSON is wrong",
        arguments: [
            ("", 0), ("  ", 2), ("{", 1), (#"{"model""#, 8), (#"{"model":}"#, 9), (#"{"model":"m",}"#, 13),
            (#"{"model":"m"}x"#, 13), (#"{"a":[1,2,"#, 10), ("{\"a\":\"\u{1}\"}", 6), ("[1", 2), ("nul", 0),
            (#"{"model":"m","messages":[{"role":"user""#, 39),
        ]
    )
    func malformed(_ body: String, _ offset: Int) {
        let error = #expect(throws: NeedletailError.self) { try Self.read(body) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("(at byte \(offset))") == true, "\(error?.message ?? "")")
    }

    @Test("refuses bytes that are not UTF-8, and values that are no object")
    func notJSON() {
        var body = ByteBuffer(string: #"{"model":"m","messages":[""#)
        body.writeBytes([0xFF, 0x22, 0x5D, 0x7D])
        let error = #expect(throws: NeedletailError.self) {
            try RequestPeek.read(body, dialect: .openAIChat, operation: .chat)
        }
        #expect(error?.message.contains("UTF-8 (at byte 26)") == true)
        for text in ["[]", "5", "\"x\"", "null"] {
            let error = #expect(throws: NeedletailError.self) { try Self.read(text) }
            #expect(error?.message == "The body must be a JSON object.")
        }
    }

    @Test(
        "finds what the model must be able to do",
        arguments: [
            (#""tools":[{"type":"function"}]"#, Features.tools), (#""tools":[]"#, Features()),
            (#""tools":null"#, Features()),
            (#""functions":[ {} ]"#, Features.tools),
            (#""response_format":{"type":"json_object"}"#, Features.structuredOutput),
            (#""response_format":{"json_schema":{"type":"text"},"type":"json_schema"}"#, Features.structuredOutput),
            (#""response_format":{"type":"text"}"#, Features()), (#""response_format":null"#, Features()),
            (#""output_config":{"format":{"type":"json_schema"}}"#, Features.structuredOutput),
            (#""output_config":{"effort":"low"}"#, Features.reasoning),
            (#""reasoning_effort":"high""#, Features.reasoning), (#""reasoning_effort":"none""#, Features()),
            (#""thinking":{"type":"enabled","budget_tokens":1024}"#, Features.reasoning),
            (#""thinking":{"type":"disabled"}"#, Features()), (#""reasoning":{"effort":"low"}"#, Features.reasoning),
            (#""logprobs":true"#, Features.logprobs), (#""logprobs":false"#, Features()),
            (#""top_logprobs":3"#, Features.logprobs),
            (#""top_logprobs":0"#, Features()), (#""modalities":["text","audio"]"#, Features.audio),
            (#""modalities":["text"]"#, Features()),
            (#""to\u006fls":[{}]"#, Features.tools),
        ]
    )
    func features(_ member: String, _ expected: Features) throws {
        #expect(try Self.read(#"{"model":"m","messages":[1],\#(member)}"#).features == expected)
    }

    @Test(
        "finds images, documents and audio inside messages only",
        arguments: [
            (#"[{"content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]"#, Features.images),
            (#"[{"content":[{"type":"tool_result","content":[{"source":{},"type":"image"}]}]}]"#, Features.images),
            (#"[{"content":[{"type":"input_audio"}]}]"#, Features.audio),
            (#"[{"content":[{"type":"document"},{"type" : "file"}]}]"#, Features.documents),
            (#"[{"content":"\"type\":\"image\""}]"#, Features()), (#"[{"type":["image"]},"image"]"#, Features()),
            (#"[{"image":"type"}]"#, Features()),
        ]
    )
    func parts(_ messages: String, _ expected: Features) throws {
        let body = #"{"model":"m","tools":[],"x":{"type":"image"},"messages":\#(messages)}"#
        #expect(try Self.read(body).features == expected)
    }

    @Test("does not count base64 as text")
    func estimate() throws {
        func tokens(_ part: String) throws -> Int {
            try Self.read(#"{"model":"m","messages":[{"role":"user","content":[\#(part)]}]}"#).estimatedInputTokens
        }
        let base64 = String(repeating: "iVBORw0K", count: 40_000)
        let image = try tokens(#"{"type":"image_url","image_url":{"url":"data:image/png;base64,\#(base64)"}}"#)
        #expect((1600..<1700).contains(image))
        let source = #"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"\#(base64)"}}"#
        #expect((1600..<1700).contains(try tokens(source)))
        let document = #"{"type":"document","source":{"type":"base64","data":"\#(base64)"}}"#
        #expect((10_000..<10_100).contains(try tokens(document)))
        // As PHP writes it, and beside calls whose arguments say and spell what they like.
        let slashes = #"{"type":"image","source":{"type":"base64","media_type":"image\/png","data":"\#(base64)"}}"#
        #expect((1600..<1700).contains(try tokens(slashes)))
        let call = #"{"type":"tool_use","id":"a","name":"f","input":{"format":"csv","caf\u00e9":{"type":"\u0041"}}}"#
        #expect((1600..<1800).contains(try tokens("\(call),\(source)")))
        let words = String(repeating: "words of a text ", count: 20_000)
        let text = #"{"type":"document","source":{"type":"text","data":"\#(words)"}}"#
        #expect(try tokens(text) > 320_000 / 3)
        #expect(try tokens(#"{"type":"text","text":"\#(words)"}"#) > 320_000 / 3)
    }

    @Test(
        "counts the searches that the provider may run",
        arguments: [
            ("[]", 0), (#"[{"type":"function","function":{"name":"web_search"}}]"#, 0),
            (#"[{"type":"web_search_20250305","name":"web_search","max_uses":5}]"#, 5),
            (#"[{"max_uses":7,"type":"web_search_20250305"},{"type":"web_search_preview"}]"#, 17),
            (#"[{"type":"web_search"}]"#, 10), (#"[{"google_search":{}}]"#, 10), (#"[{"googleSearch":{}}]"#, 10),
            (#"[{"type":"web_search"},{"type":"web_fetch_20250910","max_uses":1}]"#, 10),
            (#"[{"type":"web_search","x":{"max_uses":0}}]"#, 10), (#"[{"type":"web\u005fsearch"}]"#, 10),
            (#"[{"typ\u0065":"web_search","max_uses":2}]"#, 2),
            (#"[{"type":"web_search","max_uses":1,"max_uses":4}]"#, 4),
            (#"[{"type":"function","function":{"parameters":{"type":"web_search","\u0041":1}}}]"#, 0),
            (#"[{"type":"web_search","max_uses":"many"}]"#, 10), (#"[{"type":"web_search","max_uses":-3}]"#, 0),
        ])
    func searches(_ tools: String, _ expected: Int) throws {
        let body = #"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":\#(tools)}"#
        let request = try Self.read(body)
        #expect(request.searches == expected)
        #expect(request.features.contains(.tools) == (tools != "[]"))
    }

    @Test(
        "counts the searches that a chat asks for without a tool",
        arguments: [
            (#""web_search_options":{}"#, 10), (#""web_search_options":{"search_context_size":"low"}"#, 10),
            (#""web_search_options":null"#, 0), (#""web\u005fsearch_options":{}"#, 10),
            (#""web_search_options":null,"web_search_options":{}"#, 10),
            (#""tools":[{"type":"web_search","max_uses":3}],"web_search_options":{}"#, 13),
            (#""metadata":{"web_search_options":"x"}"#, 0),
        ])
    func searchOptions(_ member: String, _ expected: Int) throws {
        let request = try Self.read(#"{"model":"m","messages":[{"role":"user","content":"x"}],\#(member)}"#)
        #expect(request.searches == expected)
    }

    @Test("a chat that was made in Swift is held for as the same one in bytes", arguments: ["{}", "null"])
    func searchOptionsInSwift(_ value: String) throws {
        var chat = ChatRequest(model: "m")
        chat.extensions = [Extension("web_search_options", try JSONText(value))]
        #expect(InferenceRequest(chat: chat, isStreaming: false).searches == (value == "null" ? 0 : 10))
    }

    @Test("a form is held for by its size, and for each answer that it asks for")
    func form() throws {
        func read(_ size: Int) throws -> InferenceRequest {
            let file = String(repeating: "x", count: size)
            let text =
                "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nw\r\n--b\r\ncontent-disposition: form-data; name=\"n\"\r\n\r\n4\r\n--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n\(file)\r\n--b--\r\n"
            return try RequestPeek.readForm(
                ByteBuffer(string: text), contentType: "multipart/form-data; boundary=b", dialect: .openAIChat,
                operation: .transcription)
        }
        #expect(try read(10).estimatedInputTokens == 3_000 && read(10).choices == 4)
        #expect(try read(4_500_000).estimatedInputTokens >= 20_000)
    }

    @Test(
        "how many answers a form asks for is read however its part is spelled",
        arguments: [
            (#"content-disposition: form-data; name=n"#, 4), (#"Content-Disposition:form-data;name=n; x=y"#, 4),
            (#"content-disposition: form-data; NAME = "n""#, 4), (#"content-disposition: form-data; name="\n""#, 4),
            ("x-long: \(String(repeating: "x", count: 4_000))\r\ncontent-disposition: form-data; name=n", 4),
            ("content-disposition: form-data; name=n\r\ncontent-type: text/plain", 4),
            (#"content-disposition: form-data; name=nn"#, 1), (#"content-disposition: form-data; filename="n""#, 1),
            (#"content-disposition: form-data; filename="; name=n"; name="file""#, 1), (#"x: form-data; name=n"#, 1),
        ])
    func formChoices(_ header: String, _ expected: Int) throws {
        let text =
            "--b\r\n\(header)\r\n\r\n4\r\n--b\r\ncontent-disposition: form-data; name=model\r\n\r\nw\r\n"
            + "--b\r\ncontent-disposition: form-data; name=file; filename=model\r\n\r\nRIFF\r\n--b--\r\n"
        let request = try RequestPeek.readForm(
            ByteBuffer(string: text), contentType: "multipart/form-data; boundary=b", dialect: .openAIChat,
            operation: .imageEdit)
        #expect(request.choices == expected && request.model == "w")
    }

    /// What a provider reads as text, each with more than 300,000 bytes of it.
    static let disguised: [String] = {
        let base64 = String(repeating: "iVBORw0K", count: 40_000)
        let url = "data:image/png;base64,\(base64)"
        return [
            #""data:,\#(String(repeating: "words of a text ", count: 20_000))""#, #""\#(url)""#,
            #"[{"type":"text","text":"\#(url)"}]"#, #"[{"text":"\#(url)"}]"#, #"["\#(url)"]"#,
            #"[{"type":"tool_use","id":"a","name":"f","input":{"data":"\#(base64)"}}]"#,
            #"[{"type":"tool_use","id":"a","name":"f","input":{"x":[{"url":"\#(url)"}],"data":"\#(base64)"}}]"#,
            #"[{"functionCall":{"name":"f","args":{"data":"\#(base64)"}}}]"#,
            #"[{"functionResponse":{"name":"f","response":{"data":"\#(base64)"}}}]"#,
            #"[{"toolResult":{"content":[{"json":{"bytes":"\#(base64)"}}]}}]"#,
            #"[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"\#(base64)"}}]"#,
            #"[{"type":"document","source":{"data":"\#(base64)","type":"text"}}]"#,
            #"[{"inlineData":{"data":"\#(base64)","mimeType":"text/plain"}}]"#,
            #"[{"document":{"source":{"bytes":"\#(base64)"},"format":"txt"}}]"#,
            #"[{"type":"file","file":{"file_data":"data:text/csv;base64,\#(base64)"}}]"#,
            #"[{"type":"redacted_thinking","data":"\#(base64)"}]"#,
            #"[{"typ\u0065":"document","source":{"typ\u0065":"text","data":"\#(base64)"}}]"#,
            #"[{"type":"document","source":{"type":"te\u0078t","data":"\#(base64)"}}]"#,
            #"[{"document":{"source":{"bytes":"\#(base64)"},"format":"t\u0078t"}}]"#,
            #"[{"type":"document","source":{"data":"\#(base64)","x":{},"type":"text"}}]"#,
            #"[{"type":"document","source":{"type":"text","x":[{}],"data":"\#(base64)"}}]"#,
        ]
    }()

    @Test("what only looks like a picture is held for as text", arguments: disguised.indices)
    func disguise(_ index: Int) throws {
        let content = Self.disguised[index]
        for beside in ["", #",{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}"#]
        {
            let body = #"{"model":"m","messages":[{"role":"user","content":\#(content)}\#(beside)]}"#
            #expect(try Self.read(body).estimatedInputTokens > 320_000 / 3, "\(content.prefix(80))")
        }
    }

    @Test("accepts only bodies that end where the object ends", arguments: 0..<60)
    func everyPrefix(_ length: Int) {
        let body = #"{"model":"m","messages":[{"role":"user","content":"é\n"}],"n":-1.5e3}"#
        let prefix = ByteBuffer(bytes: Array(body.utf8).prefix(length))
        #expect(throws: NeedletailError.self) {
            try RequestPeek.read(prefix, dialect: .openAIChat, operation: .chat)
        }
        #expect(throws: Never.self) { try Self.read(body) }
    }

    @Test("counts pictures, whoever asks, and knows for which models one is more than usual")
    func pictures() throws {
        let part = #"{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}"#
        let body =
            #"{"model":"m","messages":[{"role":"user","content":[\#(part),{"type":"text","text":"?"},\#(part)]}]}"#
        let request = try Self.read(body)
        #expect(request.images == 2)
        let chat = try OpenAIChat.decodeRequest(ByteBuffer(string: body))
        #expect(InferenceRequest(chat: chat, isStreaming: false).images == 2)
        let book = PriceBook(types: ["p": .openAI])
        #expect(book.model("gpt-4o-mini-2024-07-18", at: "p").imageTokens == 48_169)
        #expect(book.model("gpt-4o-2024-08-06", at: "p").imageTokens == nil)
    }
}
