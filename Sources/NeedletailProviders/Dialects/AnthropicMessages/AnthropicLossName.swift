import NeedletailCore

/// The names of what can get lost on the way to Anthropic, in the words of the dialect that a request came from.
enum AnthropicLossName {
    /// What can get lost.
    enum Field {
        case audio, audioOutput, cacheMarker, choiceCount, citations, customCall, detail, file, frequencyPenalty
        case image, logitBias, logprobs, messageName, opaquePart, prefill, presencePenalty
        case reasoningEffort, reasoningPart, refusal, responseFormat, schemaDescription, schemaName, schemaStrict, seed
        case serviceTier
        case stop, systemMessage, temperature, thinkingBudget, tool, toolArguments, toolCustom
        case toolChoice, topK, topLogprobs, topP
    }

    /// The field's name, without indices.
    static func name(_ field: Field, in source: DialectID?) -> String {
        switch field {
        // Places that the list of the model's fields has no name for.
        case .schemaDescription:
            return source == .anthropicMessages ? "output_config.format" : "response_format.json_schema.description"
        case .systemMessage: return "messages.role"
        case .toolArguments:
            return source == .anthropicMessages ? "messages.content.input" : "messages.tool_calls.function.arguments"
        case .toolCustom: return "tools.custom"
        default: return Self.field(field).name(in: source)
        }
    }

    private static func field(_ field: Field) -> ModelField {
        switch field {
        case .audio: .audio
        case .audioOutput: .modalities
        case .cacheMarker: .contentCacheMarker
        case .choiceCount: .choiceCount
        case .citations: .contentCitations
        case .customCall: .toolCallCustom
        case .detail: .imageDetail
        case .file: .document
        case .frequencyPenalty: .frequencyPenalty
        case .image: .image
        case .logitBias: .logitBias
        case .logprobs: .logprobs
        case .messageName: .messageName
        case .opaquePart, .prefill, .systemMessage, .toolArguments: .contentOpaque
        case .presencePenalty: .presencePenalty
        case .reasoningEffort: .reasoningEffort
        case .reasoningPart: .contentReasoning
        case .responseFormat, .schemaDescription: .responseFormat
        case .refusal: .contentRefusal
        case .schemaName: .responseFormatName
        case .schemaStrict: .responseFormatStrict
        case .seed: .seed
        case .serviceTier: .serviceTier
        case .stop: .stopSequences
        case .temperature: .temperature
        case .thinkingBudget: .reasoningBudget
        case .tool, .toolCustom: .tool
        case .toolChoice: .toolChoice
        case .topK: .topK
        case .topLogprobs: .topLogprobs
        case .topP: .topP
        }
    }
}
