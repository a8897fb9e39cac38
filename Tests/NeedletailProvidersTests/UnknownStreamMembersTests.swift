import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Translation of streams loses nothing in silence")
struct UnknownStreamMembersTests {
    /// The events of a stream of each dialect, with all that they usually hold; Bedrock's after their names.
    private static let streams: [DialectID: [String]] = [
        .openAIChat: [
            #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","obfuscation":"x","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"s"}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","text":"hm","index":0}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"content":"hi"}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"content":[{"type":"text","text":"hi"}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"images":[{"type":"image_url","index":0,"image_url":{"url":"data:image/png;base64,QUJD"}}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"u","type":"custom","custom":{"name":"g","input":"x"}}]}}]}"#,
            #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
            #"{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":1}}}"#,
        ],
        .anthropicMessages: [
            #"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":5,"output_tokens":1}}}"#,
            #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
            #"{"type":"content_block_stop","index":0}"#,
            #"{"type":"ping"}"#,
            #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}"#,
            #"{"type":"content_block_stop","index":1}"#,
            #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            #"{"type":"content_block_stop","index":2}"#,
            #"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":5}}"#,
            #"{"type":"message_stop"}"#,
        ],
        .openAIResponses: [
            #"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"in_progress","output":[],"store":false}}"#,
            #"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[]}}"#,
            #"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}"#,
            #"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"hm","obfuscation":"x"}"#,
            #"{"type":"response.reasoning_summary_text.done","output_index":0,"summary_index":0,"text":"hm"}"#,
            #"{"type":"response.reasoning_summary_part.done","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"hm"}}"#,
            #"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"s"}}"#,
            #"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","id":"msg","role":"assistant","content":[],"status":"in_progress"}}"#,
            #"{"type":"response.content_part.added","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
            #"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"hi","logprobs":[]}"#,
            #"{"type":"response.output_text.done","output_index":1,"content_index":0,"text":"hi","logprobs":[]}"#,
            #"{"type":"response.content_part.done","output_index":1,"content_index":0,"part":{"type":"output_text","text":"hi","annotations":[]}}"#,
            #"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","id":"msg","role":"assistant","content":[{"type":"output_text","text":"hi"}],"status":"completed"}}"#,
            #"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc","call_id":"t","name":"f","arguments":""}}"#,
            #"{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{}"}"#,
            #"{"type":"response.function_call_arguments.done","output_index":2,"arguments":"{}"}"#,
            #"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc","call_id":"t","name":"f","arguments":"{}"}}"#,
            #"{"type":"response.completed","response":{"id":"resp_1","model":"m","status":"completed","output":[{"type":"reasoning","id":"rs","summary":[]}],"usage":{"input_tokens":5,"output_tokens":5,"total_tokens":10,"output_tokens_details":{"reasoning_tokens":1}}}}"#,
        ],
        .gemini: [
            #"{"responseId":"r","modelVersion":"m","candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"hm","thought":true}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":"hi"}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD"}}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"s"}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"functionCall":{"name":"g","willContinue":true,"partialArgs":[{"jsonPath":"$.a","stringValue":"x"}]}}]}}]}"#,
            #"{"candidates":[{"index":0,"content":{"parts":[{"functionCall":{}}]}}]}"#,
            #"{"candidates":[{"index":0,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":5,"totalTokenCount":10}}"#,
        ],
        .bedrockConverse: [
            #"messageStart {"role":"assistant","p":"ab"}"#,
            #"contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hm"}},"p":"ab"}"#,
            #"contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s"}}}"#,
            #"contentBlockStop {"contentBlockIndex":0,"p":"ab"}"#,
            #"contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"hi"}}"#,
            #"contentBlockStop {"contentBlockIndex":1}"#,
            #"contentBlockStart {"contentBlockIndex":2,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#,
            #"contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{}"}}}"#,
            #"contentBlockStop {"contentBlockIndex":2}"#,
            #"contentBlockStart {"contentBlockIndex":3,"start":{"image":{"format":"png"}}}"#,
            #"contentBlockDelta {"contentBlockIndex":3,"delta":{"image":{"source":{"bytes":"QUJD"}}}}"#,
            #"contentBlockStop {"contentBlockIndex":3}"#,
            #"messageStop {"stopReason":"tool_use","additionalModelResponseFields":{"stop_sequence":"x"}}"#,
            #"metadata {"usage":{"inputTokens":5,"outputTokens":5,"totalTokens":10},"p":"ab"}"#,
        ],
        .ollamaChat: [
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#,
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"hi"},"done":false}"#,
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":"","tool_calls":[{"id":"t","function":{"index":0,"name":"f","arguments":{}}}]},"done":false}"#,
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":5}"#,
        ],
        .ollamaGenerate: [
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","response":"","thinking":"hm","done":false}"#,
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","response":"hi","done":false}"#,
            #"{"model":"m","created_at":"2025-01-01T00:00:00Z","response":"","done":true,"done_reason":"stop","prompt_eval_count":5,"eval_count":5}"#,
        ],
        .cohereChat: [
            #"{"type":"message-start","id":"c","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#,
            #"{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"plan"}}}"#,
            #"{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"t","type":"function","function":{"name":"f","arguments":""}}}}}"#,
            #"{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}}}"#,
            #"{"type":"tool-call-end","index":0}"#,
            #"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"thinking","thinking":""}}}}"#,
            #"{"type":"content-delta","index":0,"delta":{"message":{"content":{"thinking":"hm"}}}}"#,
            #"{"type":"content-end","index":0}"#,
            #"{"type":"content-start","index":1,"delta":{"message":{"content":{"type":"text","text":""}}}}"#,
            #"{"type":"content-delta","index":1,"delta":{"message":{"content":{"text":"hi"}}}}"#,
            #"{"type":"content-end","index":1}"#,
            #"{"type":"citation-end","index":0}"#,
            #"{"type":"message-end","delta":{"finish_reason":"TOOL_CALL","usage":{"tokens":{"input_tokens":5,"output_tokens":5},"cached_tokens":1}}}"#,
        ],
        .openAICompletions: [
            #"{"id":"c","object":"text_completion","created":1,"model":"m","choices":[{"text":"hi","index":0,"finish_reason":null,"logprobs":null}]}"#,
            #"{"id":"c","choices":[{"text":"","index":0,"finish_reason":"stop"}]}"#,
            #"{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":5,"total_tokens":10}}"#,
        ],
    ]

    private static let frameNames: [StaticString] = [
        "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata",
        "brandNew",
    ]

    private static func frames(_ events: [String], _ dialect: DialectID) throws -> ByteBuffer {
        var out = ByteBuffer()
        for event in events {
            switch dialect.dialect.framing {
            case .serverSentEvents: out.writeString("data: \(event)\n\n")
            case .lines: out.writeString(event + "\n")
            case .amazonEventStream:
                let parts = event.split(separator: " ", maxSplits: 1)
                let name = try #require(Self.frameNames.first { $0.description == parts[0] })
                let members = try JSONDocument(ByteBuffer(string: String(parts[1]))).root.members
                EventStreamEncoder.write(.event(name), into: &out) { json in
                    for member in members {
                        json.key(member.key)
                        json.raw(member.value.text)
                    }
                }
            }
        }
        if dialect == .openAIChat || dialect == .openAICompletions { out.writeString("data: [DONE]\n\n") }
        return out
    }

    /// Translates a stream as a reader does.
    private static func translate(
        _ stream: ByteBuffer, _ upstream: DialectID, to client: DialectID, isAsked: Bool = true
    ) throws -> (losses: [String], out: String) {
        var decoder = upstream.dialect.makeStreamDecoder()
        if isAsked { decoder.unread = UnreadMembers(limit: UnreadMembers.usualLimit) }
        var events: [ChatEvent] = []
        try decoder.decode(stream, into: &events)
        try decoder.finish(into: &events)
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = upstream
        var encoder = client.dialect.makeStreamEncoder(options)
        var out = ByteBuffer()
        for event in events { encoder.encode(event, into: &out) }
        encoder.finish(into: &out)
        return ((encoder.losses + decoder.unread.losses).map(\.field), String(buffer: out))
    }

    @Test("an unknown member of any object of any event is told as lost", arguments: DialectID.allCases)
    func unknown(_ upstream: DialectID) throws {
        let events = try #require(Self.streams[upstream])
        for (place, event) in events.enumerated() {
            let isNamed = upstream == .bedrockConverse
            let name = isNamed ? event.prefix { $0 != " " } + " " : ""
            let members = UnknownMember.cases(upstream, String(event.dropFirst(name.count)))
            #expect(!members.isEmpty)
            for member in members {
                var planted = events
                planted[place] = name + member.body
                let stream = try Self.frames(planted, upstream)
                for client in DialectID.allCases where client != upstream {
                    let (losses, out) = try Self.translate(stream, upstream, to: client)
                    let isTold = losses.contains { $0 == "Q8" || $0.hasSuffix(".Q8") }
                    // Chat and completions share the usage object.
                    #expect(
                        isTold || out.contains("Q8"), "\(member.path) of \(event) to \(client.rawValue): \(losses)")
                }
            }
        }
    }

    @Test("what is usual is not told as unknown, and nothing at all where nobody asks", arguments: DialectID.allCases)
    func usual(_ upstream: DialectID) throws {
        let stream = try Self.frames(#require(Self.streams[upstream]), upstream)
        var decoder = upstream.dialect.makeStreamDecoder()
        decoder.unread = UnreadMembers(limit: UnreadMembers.usualLimit)
        var events: [ChatEvent] = []
        try decoder.decode(stream, into: &events)
        try decoder.finish(into: &events)
        #expect(decoder.unread.losses.isEmpty, "\(decoder.unread.losses.map(\.field))")
        let planted = try Self.frames(
            (Self.streams[upstream] ?? []).map { $0.replacingFirst("{", with: #"{"Q8":1,"#) }, upstream)
        var silent = upstream.dialect.makeStreamDecoder()
        var same: [ChatEvent] = []
        try silent.decode(planted, into: &same)
        try silent.finish(into: &same)
        #expect(silent.unread.losses.isEmpty)
        #expect(same == events)
    }

    @Test(
        "an event of an unknown type is told by its type",
        arguments: [
            (DialectID.anthropicMessages, #"{"type":"brand_new","x":1}"#, "brand_new"),
            (
                .anthropicMessages, #"{"type":"content_block_delta","index":1,"delta":{"type":"brand_new","x":1}}"#,
                "brand_new"
            ),
            (.openAIResponses, #"{"type":"response.brand.new","delta":"x"}"#, "response.brand.new"),
            (.openAIResponses, #"{"type":"brand.new"}"#, "brand.new"),
            (.cohereChat, #"{"type":"brand-new","x":1}"#, "brand-new"),
            (.bedrockConverse, #"brandNew {"x":1}"#, "brandNew"),
            (
                .bedrockConverse, #"contentBlockDelta {"contentBlockIndex":1,"delta":{"brandNew":{"x":1}}}"#,
                "delta.brandNew"
            ),
        ])
    func types(_ upstream: DialectID, _ event: String, _ name: String) throws {
        var events = try #require(Self.streams[upstream])
        // Where a block of text is open.
        let place = try #require(events.firstIndex { $0.contains(#""hi""#) })
        events.insert(event, at: place + 1)
        let (losses, _) = try Self.translate(Self.frames(events, upstream), upstream, to: .ollamaGenerate)
        #expect(losses.contains(name), "\(losses)")
    }

    @Test("the steps of a tool that the provider runs have no names of their own")
    func steps() throws {
        var events = try #require(Self.streams[.openAIResponses])
        events.insert(
            contentsOf: [
                #"{"type":"response.output_item.added","output_index":3,"item":{"id":"ws","type":"web_search_call","status":"in_progress"}}"#,
                #"{"type":"response.web_search_call.searching","output_index":3,"item_id":"ws","brand_new":1}"#,
                #"{"type":"response.output_item.done","output_index":3,"item":{"id":"ws","type":"web_search_call","status":"completed","action":{"type":"search"}}}"#,
            ], at: events.count - 1)
        let (losses, _) = try Self.translate(
            Self.frames(events, .openAIResponses), .openAIResponses, to: .openAIChat)
        #expect(losses == [ModelField.replyOpaque.name(in: .openAIResponses)])
    }

    @Test("what else a tool tells of its image is told")
    func image() throws {
        var events = try #require(Self.streams[.openAIResponses])
        events.insert(
            #"{"type":"response.output_item.done","output_index":3,"item":{"id":"ig","type":"image_generation_call","status":"completed","output_format":"png","result":"QUJD","revised_prompt":"a cat"}}"#,
            at: events.count - 1)
        let (losses, out) = try Self.translate(
            Self.frames(events, .openAIResponses), .openAIResponses, to: .openAIChat)
        #expect(out.contains("QUJD"))
        #expect(losses == ["output.revised_prompt"])
    }

    @Test("names are told once, and no more than there is room for")
    func bound() {
        var unread = UnreadMembers(limit: 3)
        for name in ["a", "b", "a", "c", "d", "b"] { unread.add(name) }
        #expect(unread.losses.map(\.field) == ["a", "b", "c"])
        #expect(!unread.isOpen)
    }

    @Test("the reader tells the ending what was really lost, as soon as it is")
    func ending() async throws {
        let events = try #require(Self.streams[.anthropicMessages]).map {
            $0.replacingFirst(#""delta":{"#, with: #""delta":{"brand_new":1,"#)
        }
        let ending = StreamEnding()
        var options = StreamEncoderOptions(includesUsage: true, model: "m", created: 1, replyID: "r")
        options.source = .anthropicMessages
        let reader = try TranslatingReader(
            TransportBody(ScriptedBody([Self.frames(events, .anthropicMessages)])),
            decoder: AnthropicMessages.makeStreamDecoder(), encoder: OpenAICompletions.makeStreamEncoder(options),
            ending: ending)
        #expect(ending.losses.isEmpty)
        while try await reader.next() != nil {}
        let lost = Set(ending.losses.map(\.field))
        #expect(
            lost == [
                "delta.brand_new", "content.thinking", "content.signature", "content.tool_use", "stop_reason",
            ])
        ending.end(.finished)
    }
}

extension String {
    fileprivate func replacingFirst(_ part: String, with other: String) -> String {
        guard let range = self.firstRange(of: part) else { return self }
        return self.replacingCharacters(range, other)
    }

    private func replacingCharacters(_ range: Range<String.Index>, _ other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
