import NeedletailCore

extension RequestSample {
    /// A change of a request.
    typealias Change = @Sendable (inout ChatRequest) -> Void

    private static func json(_ text: String) -> JSONText { JSONText(unchecked: text) }
    private static let schema = Self.json(#"{"type":"object","additionalProperties":false}"#)

    /// A request whose last message ends with a part.
    private static func part(_ part: ContentPart, _ role: ChatMessage.Role = .user) -> Change {
        { request in
            if role == .user {
                request.messages[0].content.append(part)
            } else {
                request.messages.append(ChatMessage(role, [.text(TextPart("hm")), part]))
                request.messages.append(.user("go on"))
            }
        }
    }

    private static func parts(_ request: ChatRequest) -> [ContentPart] {
        request.messages.flatMap(\.content)
    }

    private static func first<Value: Hashable & Sendable>(
        _ read: @escaping @Sendable (ContentPart) -> Value?
    ) -> @Sendable (ChatRequest) -> AnyHashable? {
        { request in Self.parts(request).lazy.compactMap(read).first.map { AnyHashable($0) } }
    }

    private static func value<Value: Hashable & Sendable>(
        _ path: any WritableKeyPath<ChatRequest, Value?> & Sendable,
        _ value: Value
    ) -> Self {
        Self(set: { $0[keyPath: path] = value }, get: { $0[keyPath: path].map { AnyHashable($0) } })
    }

    private static func image(_ request: ChatRequest) -> ImagePart? {
        Self.parts(request).lazy.compactMap { if case .image(let image) = $0 { image } else { nil } }.first
    }

    private static func document(_ request: ChatRequest) -> DocumentPart? {
        Self.parts(request).lazy.compactMap { if case .document(let document) = $0 { document } else { nil } }.first
    }

    private static let inlineImage = ImagePart(.base64(mediaType: "image/png", data: "QUJD"))
    private static let pdf = DocumentPart(.base64(mediaType: "application/pdf", data: "QUJD"), title: "a.pdf")

    private static func document(_ change: @escaping @Sendable (inout DocumentPart) -> Void) -> Self {
        var document = Self.pdf
        change(&document)
        return Self(set: Self.part(.document(document)), get: { Self.document($0).map { AnyHashable($0) } })
    }

    private static let lookup = Tool(name: "look", kind: .function(parameters: Self.json(#"{"type":"object"}"#)))

    private static func tools(_ change: @escaping Change) -> Change {
        { request in
            request.tools = [Self.lookup]
            change(&request)
        }
    }

    private static func conversation(
        _ change: @escaping @Sendable (inout ToolCall, inout ToolResult) -> Void
    ) -> Change {
        { request in
            var call = ToolCall(id: "t1", name: "look", arguments: #"{"a":1}"#)
            var result = ToolResult(callID: "t1", content: [.text(TextPart("wet"))])
            change(&call, &result)
            request.tools = [Self.lookup]
            request.messages.append(ChatMessage(.assistant, [.toolCall(call)]))
            request.messages.append(ChatMessage(.tool, [.toolResult(result)]))
        }
    }

    private static func result(_ request: ChatRequest) -> ToolResult? {
        Self.parts(request).lazy.compactMap { if case .toolResult(let result) = $0 { result } else { nil } }.first
    }

    private static func call(_ request: ChatRequest) -> ToolCall? {
        Self.parts(request).lazy.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }.first
    }

    static let all: [ModelField: Self] = [
        .toolChoice: Self(set: Self.tools { $0.toolChoice = .required }, get: { $0.toolChoice }),
        .allowedTools: Self(
            set: Self.tools {
                $0.tools.append(Tool(name: "other", kind: .function(parameters: nil)))
                $0.toolChoice = .allowed(["look"], isRequired: true)
            }, get: { $0.toolChoice }),
        .parallelToolCalls: Self(set: Self.tools { $0.parallelToolCalls = false }, get: { $0.parallelToolCalls }),
        .maxOutputTokens: Self.value(\.maxOutputTokens, 123),
        .temperature: Self.value(\.temperature, Self.json("0.5")),
        .topP: Self.value(\.topP, Self.json("0.5")),
        .topK: Self.value(\.topK, Self.json("5")),
        .frequencyPenalty: Self.value(\.frequencyPenalty, Self.json("0.5")),
        .presencePenalty: Self.value(\.presencePenalty, Self.json("0.5")),
        .seed: Self.value(\.seed, Self.json("7")),
        .stopSequences: Self(set: { $0.stopSequences = ["END"] }, get: { $0.stopSequences }),
        .choiceCount: Self.value(\.choiceCount, 2),
        .logprobs: Self.value(\.logprobs, true),
        .topLogprobs: Self(
            set: {
                $0.logprobs = true
                $0.topLogprobs = 3
            }, get: { $0.topLogprobs }),
        .logitBias: Self.value(\.logitBias, Self.json(#"{"1":2}"#)),
        .responseFormat: Self(
            set: {
                $0.responseFormat = .jsonSchema(
                    name: "answer", description: nil, schema: Self.schema,
                    isStrict: nil)
            },
            get: { request in
                guard case .jsonSchema(_, _, let schema, _) = request.responseFormat else { return nil }
                return schema
            }),
        .responseFormatName: Self(
            set: {
                $0.responseFormat = .jsonSchema(
                    name: "answer", description: nil, schema: Self.schema,
                    isStrict: nil)
            },
            get: { request in
                guard case .jsonSchema(let name, _, _, _) = request.responseFormat else { return nil }
                return name
            }),
        .responseFormatStrict: Self(
            set: {
                $0.responseFormat = .jsonSchema(
                    name: "answer", description: nil, schema: Self.schema,
                    isStrict: false)
            },
            get: { request in
                guard case .jsonSchema(_, _, _, let isStrict) = request.responseFormat else { return nil }
                return isStrict
            }),
        .verbosity: Self.value(\ChatRequest.verbosity, "low"),
        .reasoning: Self(
            set: { $0.reasoning = ReasoningOptions(mode: .enabled, budgetTokens: 2000) },
            get: { $0.reasoning?.mode }),
        .reasoningEffort: Self(
            set: { $0.reasoning = ReasoningOptions(effort: "low") }, get: { $0.reasoning?.effort }),
        .reasoningBudget: Self(
            set: { $0.reasoning = ReasoningOptions(mode: .enabled, budgetTokens: 2000) },
            get: { $0.reasoning?.budgetTokens }),
        .reasoningDisplay: Self(
            set: { $0.reasoning = ReasoningOptions(mode: .enabled, budgetTokens: 2000, display: "omitted") },
            get: { $0.reasoning?.display }),
        .endUser: Self.value(\.endUser, "user-1"),
        .serviceTier: Self.value(\.serviceTier, "flex"),
        .modalities: Self(set: { $0.modalities = ["text", "audio"] }, get: { $0.modalities }),
        .legacyFunctions: Self(
            set: Self.tools { $0.usesLegacyFunctions = true }, get: { $0.tools.first?.name }),
        .messageName: Self(set: { $0.messages[0].name = "ann" }, get: { $0.messages[0].name }),
        .systemCacheMarker: Self(
            set: {
                $0.messages.insert(
                    ChatMessage(.system, [.text(TextPart("be brief", cacheMarker: CacheMarker()))]), at: 0)
            },
            get: Self.first { if case .text(let text) = $0 { text.cacheMarker } else { nil } }),
        .contentCacheMarker: Self(
            set: { $0.messages[0].content = [.text(TextPart("x", cacheMarker: CacheMarker()))] },
            get: Self.first { if case .text(let text) = $0 { text.cacheMarker } else { nil } }),
        .image: Self(set: Self.part(.image(Self.inlineImage)), get: { Self.image($0).map { AnyHashable($0.source) } }),
        .imageDetail: Self(
            set: Self.part(.image(ImagePart(.base64(mediaType: "image/png", data: "QUJD"), detail: "low"))),
            get: { Self.image($0)?.detail }),
        .imageURL: Self(
            set: Self.part(.image(ImagePart(.url("https://example.com/x.png")))),
            get: { Self.image($0).map { AnyHashable($0.source) } }),
        .document: Self(set: Self.part(.document(Self.pdf)), get: { Self.document($0).map { AnyHashable($0.source) } }),
        .fileID: Self(
            set: Self.part(.document(DocumentPart(.fileID("f1")))), get: { Self.document($0)?.source }),
        .documentURL: Self(
            set: Self.part(.document(DocumentPart(.url("https://u/a.pdf")))), get: { Self.document($0)?.source }),
        .documentTitle: Self(set: Self.part(.document(Self.pdf)), get: { Self.document($0)?.title }),
        .documentContext: Self.document { $0.context = "a letter" },
        .documentCitations: Self.document { $0.citationsEnabled = true },
        .audio: Self(
            set: Self.part(.audio(AudioPart(data: "QUJD", format: "wav"))),
            get: Self.first { if case .audio(let audio) = $0 { audio.data } else { nil } }),
        .contentCitations: Self(
            set: { request in
                var text = TextPart("said")
                text.citations = Self.json(#"[{"type":"char_location","cited_text":"s"}]"#)
                text.citationDialect = request.source
                request.messages.append(ChatMessage(.assistant, [.text(text)]))
                request.messages.append(.user("go on"))
            }, get: Self.first { if case .text(let text) = $0 { text.citations } else { nil } }),
        .contentRefusal: Self(
            set: Self.part(.refusal("no"), .assistant),
            get: Self.first { if case .refusal(let text) = $0 { text } else { nil } }),
        .contentReasoning: Self(
            set: Self.part(.reasoning(ReasoningPart("hm")), .assistant),
            get: Self.first { if case .reasoning(let part) = $0 { part.text } else { nil } }),
        .contentSignature: Self(
            set: Self.part(.reasoning(ReasoningPart("hm", signature: "S")), .assistant),
            get: Self.first { if case .reasoning(let part) = $0 { part.signature } else { nil } }),
        .contentRedacted: Self(
            set: Self.part(.redactedReasoning("R"), .assistant),
            get: Self.first { if case .redactedReasoning(let data) = $0 { data } else { nil } }),
        .contentOpaque: Self(
            set: { request in
                guard let dialect = request.source else { return }
                let part = OpaquePart(dialect: dialect, type: "search", json: Self.json(#"{"type":"search"}"#))
                Self.part(.opaque(part), .assistant)(&request)
            }, get: Self.first { if case .opaque(let part) = $0 { part.json } else { nil } }),
        .toolCall: Self(
            set: Self.conversation { _, _ in }, get: { Self.call($0).map { AnyHashable($0.name + $0.arguments) } }),
        .toolResult: Self(
            set: Self.conversation { _, result in result.content = [.text(TextPart("dry"))] },
            get: { Self.result($0)?.content }),
        .toolCallCustom: Self(
            set: Self.conversation { call, _ in
                call.isCustom = true
                call.arguments = "free text"
            }, get: { Self.call($0).map { AnyHashable($0.arguments) } }),
        .toolResultIsError: Self(
            set: Self.conversation { _, result in result.isError = true }, get: { Self.result($0)?.isError }),
        .toolResultContent: Self(
            set: Self.conversation { _, result in result.content.append(.image(Self.inlineImage)) },
            get: { Self.result($0)?.content }),
        .tool: Self(set: Self.tools { _ in }, get: { $0.tools.map(\.kind) }),
        .toolCacheMarker: Self(
            set: Self.tools { $0.tools[0].cacheMarker = CacheMarker() }, get: { $0.tools.first?.cacheMarker }),
        .toolStrict: Self(set: Self.tools { $0.tools[0].isStrict = true }, get: { $0.tools.first?.isStrict }),
        .toolFormat: Self(
            set: { request in
                let format = Self.json(#"{"type":"grammar","grammar":{"syntax":"regex","definition":"a"}}"#)
                request.tools = [Tool(name: "free", kind: .custom(format: format))]
            }, get: { $0.tools.map(\.kind) }),
    ]
}

extension ReplySample {
    private static func json(_ text: String) -> JSONText { JSONText(unchecked: text) }

    private static func part<Value: Hashable & Sendable>(
        _ part: ContentPart,
        _ read: @escaping @Sendable (ContentPart) -> Value?
    ) -> Self {
        Self(
            set: { $0.choices[0].content.insert(part, at: 0) },
            get: { ($0.choices.first?.content ?? []).lazy.compactMap(read).first.map { AnyHashable($0) } })
    }

    private static func usage(_ path: any WritableKeyPath<Usage, Int?> & Sendable) -> Self {
        Self(set: { $0.usage?[keyPath: path] = 3 }, get: { $0.usage?[keyPath: path] })
    }

    static let all: [ModelField: Self] = [
        .replyReasoning: Self.part(.reasoning(ReasoningPart("hm"))) {
            if case .reasoning(let part) = $0 { part.text } else { nil }
        },
        .replySignature: Self.part(.reasoning(ReasoningPart("hm", signature: "S"))) {
            if case .reasoning(let part) = $0 { part.signature } else { nil }
        },
        .replyRedacted: Self.part(.redactedReasoning("R")) {
            if case .redactedReasoning(let data) = $0 { data } else { nil }
        },
        .replyCitations: Self(
            set: { reply in
                var text = TextPart("hello")
                text.citationDialect = reply.source
                text.citations = Self.json(
                    reply.source == .openAIChat
                        ? #"[{"type":"url_citation","url_citation":{"start_index":0,"end_index":5,"url":"https://u","title":"T"}}]"#
                        : #"[{"type":"char_location","cited_text":"h","document_index":0,"start_char_index":0,"end_char_index":1}]"#
                )
                reply.choices[0].content = [.text(text)]
            },
            get: { reply in
                for case .text(let text) in reply.choices.first?.content ?? [] { return text.citations }
                return nil
            }),
        .replyLogprobs: Self(
            set: {
                $0.choices[0].logprobs = Self.json(
                    #"{"content":[{"token":"hello","logprob":-0.5,"bytes":null,"top_logprobs":[]}]}"#)
            }, get: { $0.choices.first?.logprobs }),
        .replyRefusal: Self.part(.refusal("no")) { if case .refusal(let text) = $0 { text } else { nil } },
        .replyAudio: Self.part(.audio(AudioPart(data: "QUJD", id: "a1", transcript: "t"))) {
            if case .audio(let audio) = $0 { audio.data } else { nil }
        },
        .replyImage: Self.part(.image(ImagePart(.base64(mediaType: "image/png", data: "QUJD")))) {
            switch $0 {
            case .image(let image): image.source
            case .opaque(let part) where part.type == "image_generation_call":
                (try? part.json.view())?.present("result")?.string.map {
                    MediaSource.base64(mediaType: "image/png", data: $0)
                }
            default: nil
            }
        },
        .replyToolCalls: Self.part(.toolCall(ToolCall(id: "c1", name: "look", arguments: #"{"a":1}"#))) {
            if case .toolCall(let call) = $0 { call.name + call.arguments } else { nil }
        },
        .replyToolArguments: Self.part(.toolCall(ToolCall(id: "c1", name: "look", arguments: #"{"a":"#))) {
            if case .toolCall(let call) = $0 { call.arguments } else { nil }
        },
        .replyChoices: Self(
            set: { $0.choices.append(ChatChoice(index: 1, content: [.text(TextPart("two"))], stopReason: .endTurn)) },
            get: { $0.choices.count }),
        .replyOpaque: Self(
            set: { reply in
                guard let dialect = reply.source else { return }
                let part = OpaquePart(dialect: dialect, type: "search", json: Self.json(#"{"type":"search"}"#))
                reply.choices[0].content.insert(.opaque(part), at: 0)
            },
            get: { reply in
                for case .opaque(let part) in reply.choices.first?.content ?? [] { return part.json }
                return nil
            }),
        // The same tier is `default` with some and `standard` with others.
        .replyServiceTier: Self(
            set: { $0.serviceTier = "standard" },
            get: { $0.serviceTier.map { ServiceTier(reply: $0)?.rawValue ?? $0 } }),
        .systemFingerprint: Self(set: { $0.systemFingerprint = "fp" }, get: { $0.systemFingerprint }),
        .stopReason: Self(
            set: { $0.choices[0].stopReason = .pauseTurn }, get: { $0.choices.first?.stopReason }),
        .stopSequence: Self(
            set: {
                $0.choices[0].stopReason = .stopSequence
                $0.choices[0].stopSequence = "END"
            }, get: { $0.choices.first?.stopSequence }),
        .replyTiming: Self(
            set: {
                $0.usage?.timing = ProviderTiming()
                $0.usage?.timing?.total = 5_000_000
            }, get: { $0.usage?.timing?.total }),
        .usageCacheRead: Self.usage(\.cachedInputTokens),
        .usageCacheWrite: Self.usage(\.cacheWriteTokens),
        .usageReasoning: Self.usage(\.reasoningTokens),
        .usageAudio: Self.usage(\.audioInputTokens),
        .usagePrediction: Self.usage(\.acceptedPredictionTokens),
        .usageWebSearches: Self.usage(\.webSearches),
    ]
}
