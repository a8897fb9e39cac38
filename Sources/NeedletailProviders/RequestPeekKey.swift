import NeedletailCore

/// The top-level keys of a request that ``RequestPeek`` looks at.
enum RequestPeekKey {
    case model, stream, streamOptions, maxTokens, maxCompletionTokens, choices, user, metadata, content, countedRequest
    case searchOptions
    case feature(RequestPeekFeature)

    /// The key, or `nil` if it is none of the dialect's.
    init?(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key, _ shape: RequestShape) {
        // The length rules nearly all candidates out. An escaped spelling may be shorter once it is read.
        func has(_ name: StaticString) -> Bool { JSONScanner.isKey(bytes, key, name) }
        if has(shape.contentKey) {
            self = .content
            return
        }
        if let key = shape.countedRequestKey, has(key) {
            self = .countedRequest
            return
        }
        switch key.hasEscapes ? -1 : key.range.count - 2 {
        case 1 where has("n"), 7 where has("best_of"): self = .choices
        case 4 where has("user"): self = .user
        case 5 where has("model"): self = .model
        case 5 where has("tools"): self = .feature(.tools)
        case 6 where has("stream"): self = .stream
        case 8 where has("metadata"): self = .metadata
        case 8 where has("thinking"): self = .feature(.thinking)
        case 8 where has("logprobs"): self = .feature(.logprobs)
        case 9 where has("functions"): self = .feature(.tools)
        case 9 where has("reasoning"): self = .feature(.reasoning)
        case 10 where has("max_tokens"): self = .maxTokens
        case 10 where has("modalities"): self = .feature(.modalities)
        case 12 where has("top_logprobs"): self = .feature(.topLogprobs)
        case 13 where has("output_config"): self = .feature(.outputConfig)
        case 13 where has("output_format"): self = .feature(.format)
        case 14 where has("stream_options"): self = .streamOptions
        case 15 where has("response_format"): self = .feature(.format)
        case 16 where has("reasoning_effort"): self = .feature(.effort)
        case 17 where has("max_output_tokens"): self = .maxTokens
        case 18 where has("web_search_options"): self = .searchOptions
        case 21 where has("max_completion_tokens"): self = .maxCompletionTokens
        case -1:
            if let name = Self.named(JSONScanner.text(bytes, key.range)) {
                self = name
                return
            }
            fallthrough
        default:
            guard shape.settingsKeys.contains(where: { has($0) }) else { return nil }
            self = .feature(.settings)
        }
    }

    private static func named(_ name: String) -> Self? {
        switch name {
        case "n", "best_of": .choices
        case "user": .user
        case "metadata": .metadata
        case "model": .model
        case "stream": .stream
        case "stream_options": .streamOptions
        case "max_tokens", "max_output_tokens": .maxTokens
        case "max_completion_tokens": .maxCompletionTokens
        case "web_search_options": .searchOptions
        case "tools", "functions": .feature(.tools)
        case "thinking": .feature(.thinking)
        case "logprobs": .feature(.logprobs)
        case "top_logprobs": .feature(.topLogprobs)
        case "reasoning": .feature(.reasoning)
        case "reasoning_effort": .feature(.effort)
        case "modalities": .feature(.modalities)
        case "output_config": .feature(.outputConfig)
        case "output_format", "response_format": .feature(.format)
        default: nil
        }
    }
}
