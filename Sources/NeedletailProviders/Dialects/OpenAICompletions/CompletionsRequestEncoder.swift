import NeedletailCore

/// The state of writing one request for an upstream.
struct CompletionsRequestEncoder {
    private let request: ChatRequest
    private(set) var report: LossReport
    private let isOwn: Bool

    init(_ request: ChatRequest) {
        self.request = request
        self.report = LossReport(request.source)
        self.isOwn = request.source == .openAICompletions
    }

    /// What completions have no words for.
    private static let unsaid: [ModelField] = [
        .topK, .reasoning, .reasoningEffort, .reasoningBudget, .reasoningDisplay, .serviceTier, .verbosity,
        .messageName,
        .systemCacheMarker, .contentCacheMarker, .documentContext, .documentCitations, .contentCitations,
        .contentRefusal, .contentSignature,
    ]

    mutating func encode(into json: inout JSONWriter) throws(NeedletailError) {
        let request = self.request
        try self.check()
        if !request.tools.isEmpty { self.report.lose(.tool, "A completion knows no tools.") }
        self.report.loseSaid(
            self.isOwn ? Self.unsaid.filter { $0 != .topK } : Self.unsaid, of: request,
            "Completions have no such field.")
        json.beginObject()
        json.member("model", request.model)
        let prompt = try PlainPrompt(request, separatesSystem: false, &self.report)
        if !prompt.images.isEmpty { throw self.report.refusal(.image, "A completion takes no images.") }
        if !(self.isOwn && request.extensions.contains { $0.path == "prompt" }) {
            json.member("prompt", prompt.text)
        }
        json.member("max_tokens", request.maxOutputTokens)
        json.member("temperature", request.temperature)
        json.member("top_p", request.topP)
        if self.isOwn { json.member("top_k", request.topK) }
        json.member("frequency_penalty", request.frequencyPenalty)
        json.member("presence_penalty", request.presencePenalty)
        json.member("seed", request.seed)
        json.member("n", request.choiceCount)
        if !request.stopSequences.isEmpty {
            json.key("stop")
            json.beginArray()
            for stop in request.stopSequences { json.string(stop) }
            json.endArray()
        }
        // One number here: 0 for the chosen tokens alone.
        if request.logprobs == true { json.member("logprobs", request.topLogprobs ?? 0) }
        json.member("logit_bias", request.logitBias)
        json.member("user", request.endUser)
        if request.isStreaming {
            json.member("stream", true)
            json.key("stream_options")
            json.beginObject()
            json.member("include_usage", true)
            json.endObject()
        }
        self.extensions(into: &json)
        json.endObject()
    }

    /// Refuses what cannot be left out without changing the meaning.
    private func check() throws(NeedletailError) {
        try CompletionFields.check(self.request, for: .openAICompletions)
        if !self.request.tools.isEmpty, self.request.toolChoice != ToolChoice.none {
            throw self.report.refusal(.tool, "A completion knows no tools.")
        }
        if self.request.says(.responseFormat) {
            throw self.report.refusal(.responseFormat, "A completion cannot be held to a format.")
        }
        if self.request.says(.modalities) {
            throw self.report.refusal(.modalities, "This provider answers in text alone.")
        }
    }

    private mutating func extensions(into json: inout JSONWriter) {
        for extra in self.request.extensions {
            if extra.path == "suffix" {
                json.member("suffix", extra.value)
            } else if self.isOwn, !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            } else {
                self.report.lose(named: extra.path, "Completions have no such field.")
            }
        }
    }
}
