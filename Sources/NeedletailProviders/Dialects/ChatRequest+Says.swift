import NeedletailCore

extension ChatRequest {
    /// Whether the request sets a field to something else than what holds without it.
    func says(_ field: ModelField) -> Bool {
        switch field {
        case .toolChoice: self.toolChoice?.demandsTool == true
        case .allowedTools: if case .allowed = self.toolChoice { true } else { false }
        case .parallelToolCalls: self.parallelToolCalls == false && !self.tools.isEmpty
        case .maxOutputTokens: self.maxOutputTokens != nil
        case .temperature: self.temperature != nil
        case .topP: self.topP != nil
        case .topK: self.topK != nil
        case .frequencyPenalty: self.frequencyPenalty != nil
        case .presencePenalty: self.presencePenalty != nil
        case .seed: self.seed != nil
        case .stopSequences: !self.stopSequences.isEmpty
        case .choiceCount: (self.choiceCount ?? 1) > 1
        case .logprobs: self.logprobs == true
        case .topLogprobs: (self.topLogprobs ?? 0) > 0
        case .logitBias: self.logitBias != nil
        case .responseFormat: self.responseFormat != nil && self.responseFormat != .text
        case .responseFormatName:
            if case .jsonSchema(let name, let description, _, _) = self.responseFormat {
                name != nil || description != nil
            } else {
                false
            }
        case .responseFormatStrict:
            if case .jsonSchema(_, _, _, false?) = self.responseFormat { true } else { false }
        case .reasoning: self.reasoning != nil
        case .reasoningEffort: self.reasoning?.effort != nil
        case .reasoningBudget: self.reasoning?.budgetTokens != nil
        case .reasoningDisplay: self.reasoning?.display != nil
        case .endUser: self.endUser != nil
        case .serviceTier: self.serviceTier != nil
        case .verbosity: self.verbosity != nil
        case .modalities: self.modalities.contains { $0 != "text" }
        case .legacyFunctions: self.usesLegacyFunctions
        case .messageName: self.messages.contains { $0.name != nil }
        case .tool: self.tools.contains { if case .provider = $0.kind { true } else { false } }
        case .toolCacheMarker: self.tools.contains { $0.cacheMarker != nil }
        case .toolStrict: self.tools.contains { $0.isStrict == true }
        case .toolFormat: self.tools.contains { if case .custom = $0.kind { true } else { false } }
        default: self.messages.contains { message in message.content.contains { $0.says(field, message.role) } }
        }
    }
}

extension ContentPart {
    /// Whether the part, in a message of `role`, sets a field.
    func says(_ field: ModelField, _ role: ChatMessage.Role) -> Bool {
        if field == .systemCacheMarker || field == .contentCacheMarker {
            let isSystem = role == .system || role == .developer
            return isSystem == (field == .systemCacheMarker) && self.isMarked
        }
        switch self {
        case .text(let part): return field == .contentCitations && part.citations != nil
        case .image(let part): return self.says(field, part)
        case .document(let part): return Self.says(field, part)
        case .audio: return field == .audio
        case .toolCall(let call): return field == .toolCall || (field == .toolCallCustom && call.isCustom)
        case .toolResult(let result):
            if field == .toolResult { return true }
            if field == .toolResultIsError { return result.isError == true }
            return result.content.contains { $0.says(field, role) }
        case .reasoning(let part):
            return field == .contentReasoning || (field == .contentSignature && part.signature != nil)
        case .redactedReasoning: return field == .contentRedacted
        case .refusal: return field == .contentRefusal
        case .opaque: return field == .contentOpaque
        }
    }

    private func says(_ field: ModelField, _ image: ImagePart) -> Bool {
        switch field {
        case .image: return true
        case .imageDetail: return image.detail != nil
        case .imageURL:
            guard case .url = image.source else { return false }
            return true
        case .fileID:
            guard case .fileID = image.source else { return false }
            return true
        default: return false
        }
    }

    private static func says(_ field: ModelField, _ document: DocumentPart) -> Bool {
        switch field {
        case .document: true
        case .documentURL: if case .url = document.source { true } else { false }
        case .fileID: if case .fileID = document.source { true } else { false }
        case .documentTitle: document.title != nil
        case .documentContext: document.context != nil
        case .documentCitations: document.citationsEnabled == true
        default: false
        }
    }

    private var isMarked: Bool {
        switch self {
        case .text(let part): part.cacheMarker != nil
        case .image(let part): part.cacheMarker != nil
        case .document(let part): part.cacheMarker != nil
        case .toolCall(let part): part.cacheMarker != nil
        case .toolResult(let part): part.cacheMarker != nil || part.content.contains(where: \.isMarked)
        case .audio, .reasoning, .redactedReasoning, .refusal, .opaque: false
        }
    }
}
