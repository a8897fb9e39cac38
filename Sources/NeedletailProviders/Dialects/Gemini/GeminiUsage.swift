import NeedletailCore

/// Google's token counters, where thoughts and the tools' own prompts stand beside the others and what the cache had does
/// not: <https://ai.google.dev/api/generate-content#UsageMetadata>.
enum GeminiUsage {
    /// The counters in the model's convention; `nil` for an object without any, as Vertex sends in every chunk.
    static func read(_ view: JSONView) -> Usage? {
        guard view.kind == .object else { return nil }
        var prompt: Int?
        var toolPrompt: Int?
        var candidates: Int?
        var thoughts: Int?
        var total: Int?
        var usage = Usage()
        for member in view.members where !member.value.isNull {
            let value = member.value
            switch GeminiField.camel(member.key) {
            case "promptTokenCount": prompt = self.count(value)
            case "candidatesTokenCount", "responseTokenCount": candidates = self.count(value)
            case "thoughtsTokenCount": thoughts = self.count(value)
            case "totalTokenCount": total = self.count(value)
            case "cachedContentTokenCount": usage.cachedInputTokens = self.count(value)
            case "toolUsePromptTokenCount":
                toolPrompt = self.count(value)
                usage.extensions.append(Extension("toolUsePromptTokenCount", value.text))
            case "promptTokensDetails":
                usage.audioInputTokens = self.audio(value)
                self.keepDetails(member, &usage)
            case "candidatesTokensDetails":
                usage.audioOutputTokens = self.audio(value)
                self.keepDetails(member, &usage)
            case "serviceTier": break
            default: usage.extensions.append(Extension(member.key, value.text))
            }
        }
        guard prompt != nil || candidates != nil || thoughts != nil || total != nil else { return nil }
        usage.inputTokens = self.sum(prompt ?? 0, toolPrompt ?? 0)
        let rest = max(0, (total ?? 0) - min(total ?? 0, self.sum(usage.inputTokens, thoughts ?? 0)))
        usage.outputTokens = self.sum(candidates ?? rest, thoughts ?? 0)
        usage.reasoningTokens = thoughts
        return usage
    }

    /// Details about text alone say nothing that the totals do not.
    private static func keepDetails(_ member: JSONView.Member, _ usage: inout Usage) {
        let saysMore = member.value.elements.contains { element in
            let kind = element.present("modality")?.string
            return kind != "TEXT" && kind != "AUDIO"
        }
        if saysMore { usage.extensions.append(Extension(member.key, member.value.text)) }
    }

    private static func audio(_ details: JSONView) -> Int? {
        for element in details.elements where element.present("modality")?.string == "AUDIO" {
            if let tokens = GeminiField.value(element, "tokenCount", "token_count") { return self.count(tokens) }
        }
        return nil
    }

    /// A counter; never negative, whatever the provider says.
    private static func count(_ value: JSONView) -> Int? {
        (value.int ?? value.string.flatMap { Int($0) }).map { max(0, $0) }
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// Writes `usageMetadata`.
    ///
    /// - Parameter isOwn: Whether the unknown fields are Google's own.
    static func write(_ usage: Usage, serviceTier: String?, isOwn: Bool, into json: inout JSONWriter) {
        let kept = isOwn ? usage.extensions : []
        var prompt = max(0, usage.inputTokens)
        if let tools = kept.first(where: { $0.path == "toolUsePromptTokenCount" }), let count = Int("\(tools.value)") {
            prompt = max(0, prompt - max(0, count))
        }
        let thoughts = max(0, min(usage.reasoningTokens ?? 0, max(0, usage.outputTokens)))
        json.beginObject()
        json.member("promptTokenCount", prompt)
        json.member("candidatesTokenCount", max(0, usage.outputTokens) - thoughts)
        json.member("totalTokenCount", usage.totalTokens)
        if usage.reasoningTokens != nil { json.member("thoughtsTokenCount", thoughts) }
        if let cached = usage.cachedInputTokens { json.member("cachedContentTokenCount", max(0, cached)) }
        self.details("promptTokensDetails", usage.audioInputTokens, of: prompt, kept, &json)
        self.details(
            "candidatesTokensDetails", usage.audioOutputTokens, of: max(0, usage.outputTokens) - thoughts, kept, &json)
        json.member("serviceTier", serviceTier)
        for field in kept {
            json.key(field.path)
            json.raw(field.value)
        }
        json.endObject()
    }

    private static func details(
        _ key: StaticString, _ audio: Int?, of all: Int, _ kept: [Extension], _ json: inout JSONWriter
    ) {
        guard let audio, audio > 0, !kept.contains(where: { $0.path == key.description }) else { return }
        json.key(key)
        json.beginArray()
        for (kind, count) in [("TEXT", max(0, all - min(all, audio))), ("AUDIO", audio)] where count > 0 {
            json.beginObject()
            json.member("modality", kind)
            json.member("tokenCount", count)
            json.endObject()
        }
        json.endArray()
    }

    /// The counters of `usage` that have no place in Google's: they stay in the totals.
    static func unspoken(of usage: Usage?) -> [ModelField] {
        guard let usage else { return [] }
        var fields: [ModelField] = usage.timing == nil ? [] : [.replyTiming]
        if (usage.cacheWriteTokens ?? 0) > 0 { fields.append(.usageCacheWrite) }
        let prediction = max(usage.acceptedPredictionTokens ?? 0, usage.rejectedPredictionTokens ?? 0)
        if prediction > 0 { fields.append(.usagePrediction) }
        if (usage.webSearches ?? 0) > 0 { fields.append(.usageWebSearches) }
        return fields
    }
}
