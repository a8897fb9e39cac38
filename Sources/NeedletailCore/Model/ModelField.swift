/// A place in the unified model that a dialect may have no words for.
///
/// Losses are named in the client's own words, so a field has one name per dialect: the path without indices, as the
/// client wrote (or will read) it. Both dialects' encoders take the names from here.
public enum ModelField: String, Sendable, Hashable, CaseIterable {
    // The request.
    case toolChoice, allowedTools, parallelToolCalls, maxOutputTokens
    case temperature, topP, topK, frequencyPenalty, presencePenalty, seed, stopSequences
    case choiceCount, logprobs, topLogprobs, logitBias
    case responseFormat, responseFormatName, responseFormatStrict
    case reasoning, reasoningEffort, reasoningBudget, reasoningDisplay
    case endUser, serviceTier, modalities, legacyFunctions
    // Its messages.
    case messageName, systemCacheMarker, contentCacheMarker
    case image, imageDetail, imageURL, document, documentTitle, documentContext, documentCitations
    case audio, contentCitations, contentRefusal, contentReasoning, contentSignature, contentRedacted, contentOpaque
    case toolCallCustom, toolResultIsError, toolResultContent
    // Its tools.
    case tool, toolCacheMarker, toolStrict, toolFormat
    // The reply.
    case replyReasoning, replySignature, replyRedacted, replyCitations, replyLogprobs, replyRefusal, replyAudio
    case replyChoices, replyOpaque, replyServiceTier, systemFingerprint
    case stopReason, stopSequence
    case usageCacheWrite, usageReasoning, usageAudio, usagePrediction, usageWebSearches

    /// The fields of a reply.
    public static let reply: Set<ModelField> = [
        .replyReasoning, .replySignature, .replyRedacted, .replyCitations, .replyLogprobs, .replyRefusal, .replyAudio,
        .replyChoices, .replyOpaque, .replyServiceTier, .systemFingerprint, .stopReason, .stopSequence,
        .usageCacheWrite,
        .usageReasoning, .usageAudio, .usagePrediction, .usageWebSearches,
    ]

    /// What users of `dialect` call `field`.
    public static func name(_ field: ModelField, in dialect: DialectID) -> String {
        switch dialect {
        case .openAIChat: self.openAIName(field)
        case .anthropicMessages: self.anthropicName(field)
        }
    }

    /// What users of `dialect` call the field; the model's own name where there is no dialect.
    public func name(in dialect: DialectID?) -> String {
        guard let dialect else { return self.rawValue }
        return Self.name(self, in: dialect)
    }

    private static func openAIName(_ field: ModelField) -> String {
        switch field {
        case .toolChoice, .allowedTools: "tool_choice"
        case .parallelToolCalls: "parallel_tool_calls"
        case .maxOutputTokens: "max_completion_tokens"
        case .temperature: "temperature"
        case .topP: "top_p"
        case .topK: "top_k"
        case .frequencyPenalty: "frequency_penalty"
        case .presencePenalty: "presence_penalty"
        case .seed: "seed"
        case .stopSequences: "stop"
        case .choiceCount: "n"
        case .logprobs: "logprobs"
        case .topLogprobs: "top_logprobs"
        case .logitBias: "logit_bias"
        case .responseFormat: "response_format"
        case .responseFormatName: "response_format.json_schema.name"
        case .responseFormatStrict: "response_format.json_schema.strict"
        case .reasoning: "reasoning"
        case .reasoningEffort: "reasoning_effort"
        case .reasoningBudget: "thinking.budget_tokens"
        case .reasoningDisplay: "thinking.display"
        case .endUser: "user"
        case .serviceTier, .replyServiceTier: "service_tier"
        case .modalities: "modalities"
        case .legacyFunctions: "functions"
        case .messageName: "messages.name"
        case .systemCacheMarker, .contentCacheMarker: "messages.content.cache_control"
        case .image, .imageURL: "messages.content.image_url"
        case .imageDetail: "messages.content.image_url.detail"
        case .document: "messages.content.file"
        case .documentTitle: "messages.content.file.filename"
        case .documentContext: "messages.content.file.context"
        case .documentCitations: "messages.content.file.citations"
        case .audio: "messages.content.input_audio"
        case .contentCitations: "messages.annotations"
        case .contentRefusal: "messages.refusal"
        case .contentReasoning: "messages.reasoning_content"
        case .contentSignature, .contentRedacted: "messages.thinking_blocks"
        case .contentOpaque: "messages.content"
        case .toolCallCustom: "messages.tool_calls.custom"
        case .toolResultIsError: "messages.is_error"
        case .toolResultContent: "messages.content"
        case .tool: "tools"
        case .toolCacheMarker: "tools.cache_control"
        case .toolStrict: "tools.function.strict"
        case .toolFormat: "tools.custom.format"
        case .replyReasoning: "choices.message.reasoning_content"
        case .replySignature, .replyRedacted: "choices.message.thinking_blocks"
        case .replyCitations: "choices.message.annotations"
        case .replyLogprobs: "choices.logprobs"
        case .replyRefusal: "choices.message.refusal"
        case .replyAudio: "choices.message.audio"
        case .replyChoices: "choices"
        case .replyOpaque: "choices.message.content"
        case .systemFingerprint: "system_fingerprint"
        case .stopReason: "choices.finish_reason"
        case .stopSequence: "choices.stop_reason"
        case .usageCacheWrite: "usage.prompt_tokens_details.cache_write_tokens"
        case .usageReasoning: "usage.completion_tokens_details.reasoning_tokens"
        case .usageAudio: "usage.prompt_tokens_details.audio_tokens"
        case .usagePrediction: "usage.completion_tokens_details.accepted_prediction_tokens"
        case .usageWebSearches: "usage.server_tool_use_details"
        }
    }

    private static func anthropicName(_ field: ModelField) -> String {
        switch field {
        case .toolChoice, .allowedTools: "tool_choice"
        case .parallelToolCalls: "tool_choice.disable_parallel_tool_use"
        case .maxOutputTokens: "max_tokens"
        case .temperature: "temperature"
        case .topP: "top_p"
        case .topK: "top_k"
        case .frequencyPenalty: "frequency_penalty"
        case .presencePenalty: "presence_penalty"
        case .seed: "seed"
        case .stopSequences: "stop_sequences"
        case .choiceCount: "n"
        case .logprobs: "logprobs"
        case .topLogprobs: "top_logprobs"
        case .logitBias: "logit_bias"
        case .responseFormat: "output_format"
        case .responseFormatName: "output_format.name"
        case .responseFormatStrict: "output_format.strict"
        case .reasoning: "thinking"
        case .reasoningEffort: "output_config.effort"
        case .reasoningBudget: "thinking.budget_tokens"
        case .reasoningDisplay: "thinking.display"
        case .endUser: "metadata.user_id"
        case .serviceTier: "service_tier"
        case .modalities: "modalities"
        case .legacyFunctions: "functions"
        case .messageName: "messages.name"
        case .systemCacheMarker: "system.cache_control"
        case .contentCacheMarker: "messages.content.cache_control"
        case .image: "messages.content.source"
        case .imageURL: "messages.content.source.url"
        case .imageDetail: "messages.content.detail"
        case .document: "messages.content.source"
        case .documentTitle: "messages.content.title"
        case .documentContext: "messages.content.context"
        case .documentCitations, .contentCitations: "messages.content.citations"
        case .audio: "messages.content.audio"
        case .contentRefusal: "messages.content.refusal"
        case .contentReasoning: "messages.content.thinking"
        case .contentSignature: "messages.content.signature"
        case .contentRedacted: "messages.content.redacted_thinking"
        case .contentOpaque: "messages.content"
        case .toolCallCustom: "messages.content.input"
        case .toolResultIsError: "messages.content.is_error"
        case .toolResultContent: "messages.content.content"
        case .tool: "tools"
        case .toolCacheMarker: "tools.cache_control"
        case .toolStrict: "tools.strict"
        case .toolFormat: "tools.format"
        case .replyReasoning: "content.thinking"
        case .replySignature: "content.signature"
        case .replyRedacted: "content.redacted_thinking"
        case .replyCitations: "content.citations"
        case .replyLogprobs: "logprobs"
        case .replyRefusal: "content.refusal"
        case .replyAudio: "content.audio"
        case .replyChoices: "choices"
        case .replyOpaque: "content"
        case .replyServiceTier: "usage.service_tier"
        case .systemFingerprint: "system_fingerprint"
        case .stopReason: "stop_reason"
        case .stopSequence: "stop_sequence"
        case .usageCacheWrite: "usage.cache_creation_input_tokens"
        case .usageReasoning: "usage.output_tokens_details.thinking_tokens"
        case .usageAudio: "usage.audio_tokens"
        case .usagePrediction: "usage.prediction_tokens"
        case .usageWebSearches: "usage.server_tool_use.web_search_requests"
        }
    }
}
