public import NeedletailCore

extension CohereChat {
    /// What users of this dialect call a field of the model.
    public static func name(of field: ModelField) -> String {
        switch field {
        case .toolChoice, .allowedTools: "tool_choice"
        case .parallelToolCalls: "parallel_tool_calls"
        case .maxOutputTokens: "max_tokens"
        case .temperature: "temperature"
        case .topP: "p"
        case .topK: "k"
        case .frequencyPenalty: "frequency_penalty"
        case .presencePenalty: "presence_penalty"
        case .seed: "seed"
        case .stopSequences: "stop_sequences"
        case .choiceCount: "n"
        case .logprobs: "logprobs"
        case .topLogprobs: "top_logprobs"
        case .logitBias: "logit_bias"
        case .responseFormat: "response_format"
        case .responseFormatName: "response_format.name"
        case .responseFormatStrict: "response_format.strict"
        case .reasoning: "thinking"
        case .reasoningEffort: "thinking.effort"
        case .reasoningBudget: "thinking.token_budget"
        case .reasoningDisplay: "thinking.display"
        case .endUser: "user"
        case .serviceTier, .replyServiceTier: "service_tier"
        case .modalities: "modalities"
        case .legacyFunctions: "functions"
        case .messageName: "messages.name"
        case .systemCacheMarker, .contentCacheMarker: "messages.content.cache_control"
        case .image, .imageURL: "messages.content.image_url"
        case .imageDetail: "messages.content.image_url.detail"
        case .document: "documents"
        case .documentTitle: "documents.data.title"
        case .documentContext: "documents.data.context"
        case .documentCitations: "citation_options"
        case .audio: "messages.content.audio"
        case .contentCitations: "messages.citations"
        case .contentRefusal: "messages.content.refusal"
        case .contentReasoning: "messages.content.thinking"
        case .contentSignature: "messages.content.signature"
        case .contentRedacted: "messages.content.redacted_thinking"
        case .contentOpaque, .toolResultContent: "messages.content"
        case .toolCallCustom: "messages.tool_calls.custom"
        case .toolResultIsError: "messages.is_error"
        case .tool: "tools"
        case .toolCacheMarker: "tools.cache_control"
        case .toolStrict: "strict_tools"
        case .toolFormat: "tools.custom.format"
        default: Self.replyName(of: field)
        }
    }

    private static func replyName(of field: ModelField) -> String {
        switch field {
        case .replyReasoning: "message.content.thinking"
        case .replySignature: "message.content.signature"
        case .replyRedacted: "message.content.redacted_thinking"
        case .replyCitations: "message.citations"
        case .replyLogprobs: "logprobs"
        case .replyRefusal: "message.content.refusal"
        case .replyAudio: "message.content.audio"
        case .replyChoices: "choices"
        case .replyOpaque: "message.content"
        case .systemFingerprint: "system_fingerprint"
        case .stopReason: "finish_reason"
        case .stopSequence: "stop_sequence"
        case .usageCacheRead: "usage.cached_tokens"
        case .usageCacheWrite: "usage.cache_write_tokens"
        case .usageReasoning: "usage.tokens.reasoning_tokens"
        case .usageAudio: "usage.tokens.audio_tokens"
        case .usagePrediction: "usage.tokens.prediction_tokens"
        case .usageWebSearches: "usage.billed_units.search_units"
        default: field.rawValue
        }
    }
}
