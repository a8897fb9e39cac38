import NeedletailCore

/// The usage object of a response.
enum OpenAIResponsesUsage {
    /// Reads it; `nil` for what is no object.
    ///
    /// A server that counts reasoning beside the output gives itself away by its total, as with chat completions.
    static func read(_ view: JSONView?) -> Usage? {
        guard let view, view.kind == .object else { return nil }
        var usage = Usage()
        var total: Int?
        for member in view.members where !member.value.isNull {
            let value = member.value
            switch member.key {
            case "input_tokens": usage.inputTokens = self.count(value) ?? 0
            case "output_tokens": usage.outputTokens = self.count(value) ?? 0
            case "total_tokens": total = self.count(value)
            case "input_tokens_details": self.input(value, into: &usage)
            case "output_tokens_details": self.output(value, into: &usage)
            default: usage.extensions.append(Extension(member.key, value.text))
            }
        }
        usage.cachedInputTokens = usage.cachedInputTokens.map { min($0, usage.inputTokens) }
        if let total, let reasoning = usage.reasoningTokens, reasoning > 0, total - usage.totalTokens == reasoning {
            usage.outputTokens += reasoning
        }
        return usage
    }

    /// A count of tokens, which is never negative.
    private static func count(_ view: JSONView) -> Int? {
        guard let int = view.int, int >= 0 else { return nil }
        return min(int, 1 << 53)
    }

    private static func input(_ view: JSONView, into usage: inout Usage) {
        for member in view.members where !member.value.isNull {
            switch member.key {
            case "cached_tokens": usage.cachedInputTokens = self.count(member.value)
            case "cache_write_tokens", "cache_creation_tokens": usage.cacheWriteTokens = self.count(member.value)
            case "audio_tokens": usage.audioInputTokens = self.count(member.value)
            default: usage.extensions.append(Extension("input_tokens_details.\(member.key)", member.value.text))
            }
        }
    }

    private static func output(_ view: JSONView, into usage: inout Usage) {
        for member in view.members where !member.value.isNull {
            switch member.key {
            case "reasoning_tokens": usage.reasoningTokens = self.count(member.value)
            case "audio_tokens": usage.audioOutputTokens = self.count(member.value)
            default: usage.extensions.append(Extension("output_tokens_details.\(member.key)", member.value.text))
            }
        }
    }

    /// Writes it.
    ///
    /// - Parameter isOwn: Whether counters without a place in the model are in this dialect's words.
    static func write(_ usage: Usage, isOwn: Bool, into json: inout JSONWriter) {
        json.beginObject()
        json.member("input_tokens", usage.inputTokens)
        json.key("input_tokens_details")
        json.beginObject()
        json.member("cached_tokens", usage.cachedInputTokens ?? 0)
        json.member("cache_write_tokens", usage.cacheWriteTokens)
        if isOwn { json.member("audio_tokens", usage.audioInputTokens) }
        if isOwn { self.details("input_tokens_details.", usage, into: &json) }
        json.endObject()
        json.member("output_tokens", usage.outputTokens)
        json.key("output_tokens_details")
        json.beginObject()
        json.member("reasoning_tokens", usage.reasoningTokens ?? 0)
        if isOwn { json.member("audio_tokens", usage.audioOutputTokens) }
        if isOwn { self.details("output_tokens_details.", usage, into: &json) }
        json.endObject()
        json.member("total_tokens", usage.totalTokens)
        if isOwn {
            for extra in usage.extensions where !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            }
        }
        json.endObject()
    }

    private static func details(_ prefix: String, _ usage: Usage, into json: inout JSONWriter) {
        for extra in usage.extensions where extra.path.utf8.starts(with: prefix.utf8) {
            json.key(String(extra.path.dropFirst(prefix.utf8.count)))
            json.raw(extra.value)
        }
    }

    /// What is known of `usage` and has no counter here.
    static func unspoken(of usage: Usage?) -> [ModelField] {
        guard let usage else { return [] }
        var fields: [ModelField] = usage.timing == nil ? [] : [.replyTiming]
        if (usage.audioInputTokens ?? 0) + (usage.audioOutputTokens ?? 0) > 0 { fields.append(.usageAudio) }
        if (usage.acceptedPredictionTokens ?? 0) + (usage.rejectedPredictionTokens ?? 0) > 0 {
            fields.append(.usagePrediction)
        }
        if (usage.webSearches ?? 0) > 0 { fields.append(.usageWebSearches) }
        return fields
    }
}
