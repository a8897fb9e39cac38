import NIOCore
import NeedletailCore

/// The state of writing one request for an upstream.
struct OllamaRequestEncoder {
    let request: ChatRequest
    let kind: OllamaKind
    var report: LossReport
    /// Whether the client speaks one of Ollama's dialects, and so means its options.
    private let isOwn: Bool

    init(_ request: ChatRequest, _ kind: OllamaKind) {
        self.request = request
        self.kind = kind
        self.report = LossReport(request.source)
        self.isOwn = request.source?.isOllama == true
    }

    /// What Ollama has no words for.
    private static let unsaid: [ModelField] = [
        .parallelToolCalls, .logitBias, .responseFormatName, .responseFormatStrict, .reasoningDisplay, .endUser,
        .serviceTier, .verbosity, .messageName, .systemCacheMarker, .contentCacheMarker, .imageDetail, .documentContext,
        .documentCitations, .contentCitations, .contentRefusal, .contentSignature, .contentRedacted, .toolCallCustom,
        .toolCacheMarker, .toolStrict,
    ]

    mutating func encode(into json: inout JSONWriter) throws(NeedletailError) {
        try self.check()
        self.report.loseSaid(Self.unsaid, of: self.request, "Ollama has no such field.")
        json.beginObject()
        json.member("model", self.request.model)
        switch self.kind {
        case .chat:
            var messages = OllamaMessageWriter(self.request, self.report)
            try messages.write(into: &json)
            self.report = messages.report
            self.tools(into: &json)
        case .generate: try self.prompt(into: &json)
        }
        self.format(into: &json)
        self.think(into: &json)
        self.options(into: &json)
        json.member("logprobs", self.request.logprobs)
        json.member("top_logprobs", self.request.topLogprobs)
        json.member("stream", self.request.isStreaming)
        self.extensions(into: &json)
        json.endObject()
    }

    /// Refuses what cannot be left out without changing the meaning.
    private func check() throws(NeedletailError) {
        try CompletionFields.check(self.request, for: self.kind.dialect)
        if self.request.says(.choiceCount) {
            throw self.report.refusal(.choiceCount, "This provider gives one reply to a request.")
        }
        if self.request.says(.modalities) {
            throw self.report.refusal(.modalities, "This provider answers in text alone.")
        }
        if self.request.says(.toolFormat) {
            throw self.report.refusal(.toolFormat, "This provider has no tools that take free text.")
        }
        if self.kind == .generate, !self.request.tools.isEmpty, self.request.toolChoice != ToolChoice.none {
            throw self.report.refusal(.tool, "A completion knows no tools.")
        }
    }

    // MARK: Prompt and tools

    private mutating func prompt(into json: inout JSONWriter) throws(NeedletailError) {
        if !self.request.tools.isEmpty { self.report.lose(.tool, "A completion knows no tools.") }
        let prompt = try PlainPrompt(self.request, separatesSystem: true, &self.report)
        json.member("system", prompt.system)
        json.member("prompt", prompt.text)
        guard !prompt.images.isEmpty else { return }
        json.key("images")
        json.beginArray()
        for image in prompt.images { json.string(try OllamaMessageWriter.data(image, self.report)) }
        json.endArray()
    }

    /// Ollama's models choose among the tools that they are shown, which is the one way to restrict them.
    private mutating func tools(into json: inout JSONWriter) {
        var names: [String]?
        switch self.request.toolChoice {
        case .some(.none):
            names = []
            if !self.request.tools.isEmpty {
                self.report.lose(.tool, "The model cannot be shown tools that it may not call.")
            }
        case .tool(let name):
            names = [name]
            self.report.lose(.toolChoice, "The model is shown this tool alone, and cannot be made to call it.")
        case .allowed(let allowed, let isRequired):
            names = allowed
            if isRequired { self.report.lose(.toolChoice, "The model cannot be made to call a tool.") }
        case .required: self.report.lose(.toolChoice, "The model cannot be made to call a tool.")
        case .auto, nil: break
        }
        var isOpen = false
        for tool in self.request.tools where names?.contains(tool.name) ?? true {
            if case .provider(_, _, let dialect) = tool.kind, !dialect.isOllama {
                self.report.lose(.tool, "A tool that its provider runs is unknown elsewhere.")
                continue
            }
            if !isOpen {
                json.key("tools")
                json.beginArray()
                isOpen = true
            }
            Self.tool(tool, into: &json)
        }
        if isOpen { json.endArray() }
    }

    private static func tool(_ tool: Tool, into json: inout JSONWriter) {
        var parameters: JSONText?
        switch tool.kind {
        case .provider(_, let definition, _):
            json.raw(definition)
            return
        case .function(let given): parameters = given
        case .custom: return  // refused before anything was written
        }
        json.beginObject()
        json.member("type", "function")
        json.key("function")
        json.beginObject()
        json.member("name", tool.name)
        json.member("description", tool.description)
        json.key("parameters")
        json.raw(parameters ?? JSONText(unchecked: #"{"type":"object","properties":{}}"#))
        json.endObject()
        json.endObject()
    }

    // MARK: Options

    private func format(into json: inout JSONWriter) {
        switch self.request.responseFormat {
        case .jsonObject: json.member("format", "json")
        case .jsonSchema(_, _, let schema, _): json.member("format", schema)
        case .text, nil: break
        }
    }

    /// `think` is a switch, or one of four levels for the models that have them.
    private mutating func think(into json: inout JSONWriter) {
        guard let reasoning = self.request.reasoning else { return }
        guard reasoning.mode != .disabled else {
            json.member("think", false)
            return
        }
        if let effort = reasoning.effort {
            if reasoning.budgetTokens != nil { self.report.lose(.reasoningBudget, "Carried as a level.") }
            switch effort {
            case "none": json.member("think", false)
            case "minimal":
                self.report.lose(.reasoningEffort, "The lowest level is low.")
                json.member("think", "low")
            case "xhigh": json.member("think", "max")
            default: json.member("think", effort)
            }
            return
        }
        if reasoning.budgetTokens != nil { self.report.lose(.reasoningBudget, "Carried as a switch.") }
        if reasoning.mode != .unspecified || reasoning.budgetTokens != nil { json.member("think", true) }
    }

    private func options(into json: inout JSONWriter) {
        let request = self.request
        var options = JSONWriter()
        options.beginObject()
        let start = options.bytes.readableBytes
        options.member("num_predict", request.maxOutputTokens)
        options.member("temperature", request.temperature)
        options.member("top_p", request.topP)
        options.member("top_k", request.topK)
        options.member("frequency_penalty", request.frequencyPenalty)
        options.member("presence_penalty", request.presencePenalty)
        options.member("seed", request.seed)
        if !request.stopSequences.isEmpty {
            options.key("stop")
            options.beginArray()
            for stop in request.stopSequences { options.string(stop) }
            options.endArray()
        }
        if self.isOwn {
            for extra in request.extensions where extra.path.hasPrefix(Self.optionsPrefix) {
                options.key(String(extra.path.dropFirst(Self.optionsPrefix.count)))
                options.raw(extra.value)
            }
        }
        guard options.bytes.readableBytes > start else { return }
        options.endObject()
        json.key("options")
        json.raw(JSONText(unchecked: options.bytes))
    }

    private static let optionsPrefix = "options."

    /// The keys that one endpoint does not know and the other has written.
    private static func written(_ kind: OllamaKind) -> Set<String> {
        switch kind {
        case .chat: ["messages", "tools"]
        case .generate: ["prompt", "system", "images", "suffix"]
        }
    }

    private mutating func extensions(into json: inout JSONWriter) {
        for extra in self.request.extensions {
            if extra.path == "suffix", self.kind == .generate {
                json.member("suffix", extra.value)
            } else if !self.isOwn || Self.written(self.kind).contains(extra.path) {
                self.report.lose(named: extra.path, "Ollama has no such field.")
            } else if !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            } else if !extra.path.hasPrefix(Self.optionsPrefix) {
                self.report.lose(named: extra.path, "The field has no place.")
            }
        }
    }
}
