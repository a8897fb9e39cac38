import NeedletailCore

extension OpenAIChat {
    /// The usage of a whole reply or chunk: its own, or Groq's in `x_groq`, or Moonshot's in a choice.
    static func usage(in root: JSONView) -> Usage? {
        guard let counts = self.counts(in: root), var usage = self.readUsage(counts) else { return nil }
        usage.timing = ProviderTiming.openAI(root, usage: counts)
        usage.setServiceTier(of: root)
        return usage
    }

    private static func counts(in root: JSONView) -> JSONView? {
        if let usage = root.present("usage"), usage.kind == .object { return usage }
        if let usage = root.present("x_groq")?.present("usage"), usage.kind == .object { return usage }
        guard let choices = root.present("choices") else { return nil }
        for choice in choices.elements {
            if let usage = choice.present("usage"), usage.kind == .object { return usage }
        }
        return nil
    }

    /// Reads a usage object in the spelling of OpenAI, DeepSeek, Moonshot, Databricks or LiteLLM.
    ///
    /// Servers that count reasoning beside the completion (xAI) give themselves away by their total.
    static func readUsage(_ view: JSONView) -> Usage? {
        guard view.kind == .object else { return nil }
        var usage = Usage()
        var total: Int?
        for member in view.members where !member.value.isNull {
            let value = member.value
            switch member.key {
            case "prompt_tokens", "input_tokens": usage.inputTokens = self.count(value) ?? usage.inputTokens
            case "completion_tokens", "output_tokens": usage.outputTokens = self.count(value) ?? usage.outputTokens
            case "total_tokens": total = self.count(value)
            case "prompt_tokens_details", "input_tokens_details": self.inputDetails(value, into: &usage)
            case "completion_tokens_details", "output_tokens_details": self.outputDetails(value, into: &usage)
            case "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens":
                usage.cachedInputTokens = usage.cachedInputTokens ?? self.count(value)
            case "cache_creation_input_tokens":
                usage.cacheWriteTokens = usage.cacheWriteTokens ?? self.count(value)
            case "reasoning_tokens": usage.reasoningTokens = usage.reasoningTokens ?? self.count(value)
            case "server_tool_use_details", "server_tool_use":
                usage.webSearches = value.present("web_search_requests")?.int
            // DeepSeek's: the rest of the input.
            case "prompt_cache_miss_tokens":
                usage.extensions.append(Extension(member.key, value.text, isRead: true))
            // Groq's, which are read with those in other places.
            case "queue_time", "prompt_time", "completion_time", "total_time": break
            default: usage.extensions.append(Extension(member.key, value.text))
            }
        }
        // Cached tokens are a part of the input. Where a server says more of them (xAI behind Azure), its own total holds.
        usage.cachedInputTokens = usage.cachedInputTokens.map { min($0, usage.inputTokens) }
        if let total, let reasoning = usage.reasoningTokens, reasoning > 0, total - usage.totalTokens == reasoning {
            usage.outputTokens += reasoning
        }
        return usage
    }

    /// A count of tokens, which is never negative; some servers write it as `12.0` or `"12"`.
    private static func count(_ view: JSONView) -> Int? {
        guard let int = view.int ?? view.string.flatMap({ Int($0) }), int >= 0 else { return nil }
        return min(int, 1 << 53)
    }

    private static func inputDetails(_ view: JSONView, into usage: inout Usage) {
        for member in view.members where !member.value.isNull {
            switch member.key {
            case "cached_tokens": usage.cachedInputTokens = self.count(member.value) ?? usage.cachedInputTokens
            case "cache_write_tokens", "cache_creation_tokens":
                usage.cacheWriteTokens = self.count(member.value) ?? usage.cacheWriteTokens
            case "audio_tokens": usage.audioInputTokens = self.count(member.value)
            case "image_tokens":
                usage.imageInputTokens = self.count(member.value)
                usage.extensions.append(Extension("prompt_tokens_details.image_tokens", member.value.text))
            default: usage.extensions.append(Extension("prompt_tokens_details.\(member.key)", member.value.text))
            }
        }
    }

    private static func outputDetails(_ view: JSONView, into usage: inout Usage) {
        for member in view.members where !member.value.isNull {
            switch member.key {
            case "reasoning_tokens": usage.reasoningTokens = self.count(member.value)
            case "audio_tokens": usage.audioOutputTokens = self.count(member.value)
            case "image_tokens":
                usage.imageOutputTokens = self.count(member.value)
                usage.extensions.append(Extension("completion_tokens_details.image_tokens", member.value.text))
            case "accepted_prediction_tokens": usage.acceptedPredictionTokens = self.count(member.value)
            case "rejected_prediction_tokens": usage.rejectedPredictionTokens = self.count(member.value)
            default: usage.extensions.append(Extension("completion_tokens_details.\(member.key)", member.value.text))
            }
        }
    }

    /// Writes the usage object, with the cache counters also under the names that users of LiteLLM read.
    static func writeUsage(_ usage: Usage, extensions: Bool, into json: inout JSONWriter) {
        json.beginObject()
        json.member("prompt_tokens", usage.inputTokens)
        json.member("completion_tokens", usage.outputTokens)
        json.member("total_tokens", usage.totalTokens)
        json.key("prompt_tokens_details")
        json.beginObject()
        json.member("cached_tokens", usage.cachedInputTokens ?? 0)
        json.member("audio_tokens", usage.audioInputTokens ?? 0)
        json.member("cache_write_tokens", usage.cacheWriteTokens)
        if extensions { self.details("prompt_tokens_details.", usage, into: &json) }
        json.endObject()
        json.key("completion_tokens_details")
        json.beginObject()
        json.member("reasoning_tokens", usage.reasoningTokens ?? 0)
        json.member("audio_tokens", usage.audioOutputTokens ?? 0)
        json.member("accepted_prediction_tokens", usage.acceptedPredictionTokens ?? 0)
        json.member("rejected_prediction_tokens", usage.rejectedPredictionTokens ?? 0)
        if extensions { self.details("completion_tokens_details.", usage, into: &json) }
        json.endObject()
        if let written = usage.cacheWriteTokens {
            json.member("cache_creation_input_tokens", written)
            json.member("cache_read_input_tokens", usage.cachedInputTokens ?? 0)
        }
        if let searches = usage.webSearches {
            json.key("server_tool_use_details")
            json.beginObject()
            json.member("web_search_requests", searches)
            json.endObject()
        }
        usage.timing?.writeOpenAI(into: &json)
        if extensions {
            for extra in usage.extensions where !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            }
        }
        json.endObject()
    }

    private static func details(_ prefix: String, _ usage: Usage, into json: inout JSONWriter) {
        for extra in usage.extensions where extra.path.utf8.starts(with: prefix.utf8) {
            json.key(String(extra.path.dropFirst(prefix.count)))
            json.raw(extra.value)
        }
    }
}

extension Usage {
    /// Takes over OpenAI's `service_tier` of a reply or chunk, unless it is the usual one.
    mutating func setServiceTier(of root: JSONView) {
        guard let word = root.present("service_tier")?.string, let tier = ServiceTier(reply: word), tier != .standard
        else { return }
        self.serviceTier = tier
    }
}
