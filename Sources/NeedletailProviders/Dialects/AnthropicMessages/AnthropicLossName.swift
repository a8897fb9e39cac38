import NeedletailCore

/// The names of what can get lost on the way to Anthropic, in the words of the dialect that a request came from.
enum AnthropicLossName {
    /// What can get lost.
    enum Field {
        case audio, audioOutput, cacheMarker, choiceCount, citations, customCall, detail, file, fileID, frequencyPenalty
        case image, logitBias, logprobs, messageName, opaquePart, prefill, presencePenalty
        case reasoningEffort, reasoningPart, refusal, responseFormat, schemaDescription, schemaName, schemaStrict, seed
        case serviceTier
        case stop, systemMessage, temperature, thinkingBudget, tool, toolArguments, toolCustom
        case toolChoice, topK, topLogprobs, topP, verbosity
    }

    /// The field's name, without indices.
    static func name(_ field: Field, in source: DialectID?) -> String {
        switch field {
        // Places that the list of the model's fields has no name for.
        case .schemaDescription:
            switch source {
            case .anthropicMessages: return "output_config.format"
            case .openAIResponses: return "text.format.description"
            default: return "response_format.json_schema.description"
            }
        case .systemMessage: return source == .openAIResponses ? "input.role" : "messages.role"
        case .toolArguments:
            switch source {
            case .anthropicMessages: return "messages.content.input"
            case .openAIResponses: return "input.arguments"
            default: return "messages.tool_calls.function.arguments"
            }
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
        case .fileID: .fileID
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
        case .verbosity: .verbosity
        }
    }
}
