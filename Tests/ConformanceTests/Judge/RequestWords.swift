import Foundation
import NeedletailCore

/// What a request can ask for, and what each dialect calls it: dotted paths from the top.
enum RequestWords {
    /// The objects that only hold settings together.
    static let holders: [DialectID: Set<String>] = [
        .openAIResponses: ["text", "reasoning"],
        .gemini: ["generationConfig", "generation_config", "generationConfig.thinkingConfig"],
        .bedrockConverse: ["inferenceConfig", "toolConfig"],
        .ollamaChat: ["options"], .ollamaGenerate: ["options"],
    ]

    static let all: [DialectID: [String: [String]]] = [
        .openAIChat: [
            "messages": ["messages"], "limit": ["max_tokens", "max_completion_tokens"], "temperature": ["temperature"],
            "topP": ["top_p"], "topK": ["top_k"], "stop": ["stop"], "tools": ["tools", "functions"],
            "choice": ["tool_choice", "function_call", "parallel_tool_calls"],
            "user": ["user", "safety_identifier"], "format": ["response_format"],
            "reasoning": ["reasoning_effort", "reasoning", "thinking"], "tier": ["service_tier"], "seed": ["seed"],
            "frequency": ["frequency_penalty"], "presence": ["presence_penalty"],
            "logprobs": ["logprobs", "top_logprobs"], "bias": ["logit_bias"], "count": ["n"],
            "modalities": ["modalities"],
        ],
        .anthropicMessages: [
            "messages": ["messages", "system"], "limit": ["max_tokens"], "temperature": ["temperature"],
            "topP": ["top_p"], "topK": ["top_k"], "stop": ["stop_sequences"], "tools": ["tools"],
            "choice": ["tool_choice"], "user": ["metadata"], "format": ["output_format", "output_config"],
            "reasoning": ["thinking", "output_config"], "tier": ["service_tier"],
        ],
        .openAIResponses: [
            "messages": ["input", "instructions"], "limit": ["max_output_tokens"], "temperature": ["temperature"],
            "topP": ["top_p"], "tools": ["tools"], "choice": ["tool_choice", "parallel_tool_calls"],
            "user": ["user", "safety_identifier"], "format": ["text.format"],
            "reasoning": ["reasoning.effort", "reasoning.summary"], "tier": ["service_tier"],
            "logprobs": ["top_logprobs", "include"],
        ],
        .gemini: [
            "messages": ["contents", "systemInstruction", "system_instruction"],
            "limit": ["generationConfig.maxOutputTokens"], "temperature": ["generationConfig.temperature"],
            "topP": ["generationConfig.topP"], "topK": ["generationConfig.topK"],
            "stop": ["generationConfig.stopSequences"], "tools": ["tools"], "choice": ["toolConfig", "tool_config"],
            "format": [
                "generationConfig.responseMimeType", "generationConfig.responseSchema",
                "generationConfig.responseJsonSchema",
            ],
            "reasoning": [
                "generationConfig.thinkingConfig.thinkingBudget", "generationConfig.thinkingConfig.includeThoughts",
                "generationConfig.thinkingConfig.thinkingLevel", "generationConfig.thinkingConfig.thinking_budget",
            ],
            "seed": ["generationConfig.seed"], "frequency": ["generationConfig.frequencyPenalty"],
            "presence": ["generationConfig.presencePenalty"],
            "logprobs": ["generationConfig.responseLogprobs", "generationConfig.logprobs"],
            "count": ["generationConfig.candidateCount"], "modalities": ["generationConfig.responseModalities"],
            "tier": ["serviceTier"],
        ],
        .bedrockConverse: [
            "messages": ["messages", "system"], "limit": ["inferenceConfig.maxTokens"],
            "temperature": ["inferenceConfig.temperature"], "topP": ["inferenceConfig.topP"],
            "topK": ["additionalModelRequestFields"], "stop": ["inferenceConfig.stopSequences"],
            "tools": ["toolConfig.tools"], "choice": ["toolConfig.toolChoice"],
            "reasoning": ["additionalModelRequestFields"], "format": ["outputConfig"], "tier": ["serviceTier"],
            "user": ["requestMetadata"],
        ],
        .ollamaChat: [
            "messages": ["messages"], "limit": ["options.num_predict"], "temperature": ["options.temperature"],
            "topP": ["options.top_p"], "topK": ["options.top_k"], "stop": ["options.stop"], "tools": ["tools"],
            "format": ["format"], "reasoning": ["think"], "seed": ["options.seed"],
            "frequency": ["options.frequency_penalty"], "presence": ["options.presence_penalty"],
            "logprobs": ["logprobs", "top_logprobs"],
        ],
        .ollamaGenerate: [
            "messages": ["prompt", "system", "images"], "limit": ["options.num_predict"],
            "temperature": ["options.temperature"], "topP": ["options.top_p"], "topK": ["options.top_k"],
            "stop": ["options.stop"], "format": ["format"], "reasoning": ["think"], "seed": ["options.seed"],
            "frequency": ["options.frequency_penalty"], "presence": ["options.presence_penalty"],
            "logprobs": ["logprobs", "top_logprobs"],
        ],
        .cohereChat: [
            "messages": ["messages", "documents"], "limit": ["max_tokens"], "temperature": ["temperature"],
            "topP": ["p"], "topK": ["k"], "stop": ["stop_sequences"], "tools": ["tools"], "choice": ["tool_choice"],
            "format": ["response_format"], "reasoning": ["thinking"], "seed": ["seed"],
            "frequency": ["frequency_penalty"], "presence": ["presence_penalty"], "logprobs": ["logprobs"],
        ],
        .openAICompletions: [
            "messages": ["prompt"], "limit": ["max_tokens"], "temperature": ["temperature"], "topP": ["top_p"],
            "topK": ["top_k"], "stop": ["stop"], "user": ["user"], "seed": ["seed"],
            "frequency": ["frequency_penalty"], "presence": ["presence_penalty"], "logprobs": ["logprobs"],
            "bias": ["logit_bias"], "count": ["n"],
        ],
    ]

    /// The settings of a request under their dotted paths.
    static func settings(_ body: [String: Any], _ dialect: DialectID, _ prefix: String = "") -> [String: Any] {
        var settings: [String: Any] = [:]
        for (key, value) in body {
            let path = prefix.isEmpty ? key : "\(prefix).\(key)"
            if let inner = value as? [String: Any], self.holders[dialect]?.contains(path) == true {
                settings.merge(self.settings(inner, dialect, path)) { first, _ in first }
            } else {
                settings[path] = value
            }
        }
        return settings
    }

    /// What a path asks for.
    static func concepts(_ path: String, _ dialect: DialectID) -> [String] {
        (self.all[dialect] ?? [:]).filter { $0.value.contains { $0 == path || path.hasPrefix($0 + ".") } }.map(\.key)
    }

    /// Whether a request says something about it.
    static func says(_ concept: String, _ body: [String: Any], _ dialect: DialectID) -> Bool {
        (self.all[dialect]?[concept] ?? []).contains { path in
            var value: Any? = body
            for key in path.split(separator: ".") { value = (value as? [String: Any])?[String(key)] }
            return value != nil
        }
    }

    /// Whether a sibling of the client's dialect says the same in the same words, such as the options of Ollama's models.
    static func isSaidAlike(
        _ path: String, _ value: Any, _ client: DialectID, _ sent: [String: Any], _ upstream: DialectID
    ) -> Bool {
        guard Set([client, upstream]) == [.ollamaChat, .ollamaGenerate] else { return false }
        return self.settings(sent, upstream)[path].map(JSON.canonical) == JSON.canonical(value)
    }

    /// Values that ask for what everybody does anyway.
    static func isNeutral(_ path: String, _ value: Any, _ body: [String: Any]) -> Bool {
        if value is NSNull || (value as? [Any])?.isEmpty == true || (value as? [String: Any])?.isEmpty == true {
            return true
        }
        let text = value as? String
        if ["", "auto", "none", "NONE"].contains(text) { return true }
        let type = (value as? [String: Any])?.text("type")
        switch path {
        // The usage chunk is between client and gateway.
        case "model", "stream", "stream_options": return true
        // Where a conversation is kept is between client and gateway too.
        case "store": return true
        // What a reply is to hold beside its text, most of it of tools that the provider runs.
        case "include": return (value as? [String])?.contains("message.output_text.logprobs") == false
        case "service_tier": return text == "default" || text == "auto"
        case "temperature", "generationConfig.temperature", "inferenceConfig.temperature": return value as? Double == 1
        case "n", "generationConfig.candidateCount": return value as? Int == 1
        case "logprobs", "raw": return value as? Bool == false
        case "parallel_tool_calls": return value as? Bool == true || body["tools"] == nil
        // The model decides, as models of other dialects do unless they are told.
        case "thinking": return type == "adaptive"
        case "response_format", "text.format": return type == "text"
        case "modalities": return value as? [String] == ["text"]
        case "generationConfig.responseModalities": return value as? [String] == ["TEXT"]
        case "generationConfig.responseMimeType": return text == "text/plain"
        case "tool_choice", "function_call": return type == "auto" || type == "none"
        case "toolConfig.toolChoice": return type == "auto" || (value as? [String: Any])?["auto"] != nil
        case "toolConfig", "tool_config":
            let config = value as? [String: Any] ?? [:]
            let calling = config.object("functionCallingConfig")
            return config.count == 1 && calling.count == 1 && calling.text("mode") == "AUTO"
        case "system": return PlainConversation.text(value).isEmpty
        default: return false
        }
    }
}
