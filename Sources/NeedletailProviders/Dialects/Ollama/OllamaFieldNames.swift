import NeedletailCore

/// What users of Ollama call the fields of the model: the path without indices.
enum OllamaFieldNames {
    static func name(of field: ModelField, _ kind: OllamaKind) -> String {
        switch field {
        case .toolChoice, .allowedTools: "tool_choice"
        case .parallelToolCalls: "parallel_tool_calls"
        case .maxOutputTokens: "options.num_predict"
        case .temperature: "options.temperature"
        case .topP: "options.top_p"
        case .topK: "options.top_k"
        case .frequencyPenalty: "options.frequency_penalty"
        case .presencePenalty: "options.presence_penalty"
        case .seed: "options.seed"
        case .stopSequences: "options.stop"
        case .choiceCount: "n"
        case .logprobs: "logprobs"
        case .topLogprobs: "top_logprobs"
        case .logitBias: "logit_bias"
        case .responseFormat: "format"
        case .responseFormatName: "format.name"
        case .responseFormatStrict: "format.strict"
        case .reasoning, .reasoningEffort: "think"
        case .reasoningBudget: "think.budget_tokens"
        case .reasoningDisplay: "think.display"
        case .endUser: "user"
        case .serviceTier, .replyServiceTier: "service_tier"
        case .modalities: "modalities"
        case .legacyFunctions: "functions"
        case .image: kind == .chat ? "messages.images" : "images"
        case .imageDetail: kind == .chat ? "messages.images.detail" : "images.detail"
        case .imageURL: kind == .chat ? "messages.images.url" : "images.url"
        case .messageName: "messages.name"
        case .systemCacheMarker, .contentCacheMarker: "messages.cache_control"
        case .document: "messages.documents"
        case .documentTitle: "messages.documents.title"
        case .documentContext: "messages.documents.context"
        case .documentCitations: "messages.documents.citations"
        case .audio: "messages.audio"
        case .contentCitations: "messages.citations"
        case .contentRefusal: "messages.refusal"
        case .contentReasoning: "messages.thinking"
        case .contentSignature: "messages.signature"
        case .contentRedacted: "messages.redacted_thinking"
        case .contentOpaque, .toolResultContent: "messages.content"
        case .toolCallCustom: "messages.tool_calls.function.input"
        case .toolResultIsError: "messages.is_error"
        case .tool: "tools"
        case .toolCacheMarker: "tools.cache_control"
        case .toolStrict: "tools.function.strict"
        case .toolFormat: "tools.format"
        default: Self.replyName(of: field, kind)
        }
    }

    private static func replyName(of field: ModelField, _ kind: OllamaKind) -> String {
        let message = kind == .chat ? "message." : ""
        return switch field {
        case .replyReasoning: message + "thinking"
        case .replySignature: message + "signature"
        case .replyRedacted: message + "redacted_thinking"
        case .replyCitations: message + "citations"
        case .replyLogprobs: "logprobs"
        case .replyRefusal: message + "refusal"
        case .replyAudio: message + "audio"
        case .replyChoices: "choices"
        case .replyOpaque: kind == .chat ? "message.content" : "response"
        case .systemFingerprint: "system_fingerprint"
        case .stopReason: "done_reason"
        case .stopSequence: "stop_sequence"
        case .usageCacheRead: "prompt_eval_cached_count"
        case .usageCacheWrite: "prompt_eval_cache_write_count"
        case .usageReasoning: "thinking_eval_count"
        case .usageAudio: "audio_eval_count"
        case .usagePrediction: "prediction_eval_count"
        case .usageWebSearches: "web_searches"
        default: field.rawValue
        }
    }
}
