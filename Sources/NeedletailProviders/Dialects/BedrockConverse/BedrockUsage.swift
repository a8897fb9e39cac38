import NeedletailCore

/// Bedrock's token counters, where `inputTokens` leaves out what the prompt cache had or took.
enum BedrockUsage {
    private static let known: [StaticString] = [
        "inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens",
        // The same two counts under older names.
        "cacheReadInputTokenCount", "cacheWriteInputTokenCount", "cacheDetails",
    ]

    /// Reads a `usage` object.
    static func read(_ view: JSONView) -> Usage? {
        guard view.kind == .object else { return nil }
        func count(_ key: StaticString) -> Int? { view.present(key)?.int.map { max(0, $0) } }
        var usage = Usage(outputTokens: count("outputTokens") ?? 0)
        usage.cachedInputTokens = count("cacheReadInputTokens") ?? count("cacheReadInputTokenCount")
        usage.cacheWriteTokens = count("cacheWriteInputTokens") ?? count("cacheWriteInputTokenCount")
        usage.inputTokens = Self.sum(
            Self.sum(count("inputTokens") ?? 0, usage.cachedInputTokens ?? 0), usage.cacheWriteTokens ?? 0)
        for detail in view.present("cacheDetails")?.elements ?? view.elements
        where detail.present("ttl")?.string == "1h" {
            usage.cacheWrite1hTokens = Self.sum(
                usage.cacheWrite1hTokens ?? 0, max(0, detail.present("inputTokens")?.int ?? 0))
        }
        for member in view.members where !member.value.isNull && !Self.known.contains(where: { member.hasKey($0) }) {
            // Sent with every reply, whether there was such use or not.
            guard member.value.kind != .object || member.value.members.contains(where: { _ in true }) else { continue }
            usage.extensions.append(Extension(member.key, member.value.text))
        }
        return usage
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// The counters of `usage` that have no place in Bedrock's: they stay in the totals.
    static func unspoken(of usage: Usage?) -> [ModelField] {
        guard let usage else { return [] }
        var fields: [ModelField] = []
        if usage.reasoningTokens ?? 0 > 0 { fields.append(.usageReasoning) }
        // Of times it has the whole alone.
        if let timing = usage.timing, timing.load ?? timing.input ?? timing.output != nil {
            fields.append(.replyTiming)
        }
        if max(usage.audioInputTokens ?? 0, usage.audioOutputTokens ?? 0) > 0 { fields.append(.usageAudio) }
        let prediction = max(usage.acceptedPredictionTokens ?? 0, usage.rejectedPredictionTokens ?? 0)
        if prediction > 0 { fields.append(.usagePrediction) }
        if usage.webSearches ?? 0 > 0 { fields.append(.usageWebSearches) }
        return fields
    }

    /// Writes a `usage` object.
    ///
    /// - Parameter isOwn: Whether unknown fields are Bedrock's own.
    static func write(_ usage: Usage, isOwn: Bool, into json: inout JSONWriter) {
        let all = max(0, usage.inputTokens)
        let read = min(all, max(0, usage.cachedInputTokens ?? 0))
        let written = min(all - read, max(0, usage.cacheWriteTokens ?? 0))
        json.beginObject()
        json.member("inputTokens", all - read - written)
        json.member("outputTokens", max(0, usage.outputTokens))
        json.member("totalTokens", Self.sum(all, max(0, usage.outputTokens)))
        if usage.cachedInputTokens != nil { json.member("cacheReadInputTokens", read) }
        if usage.cacheWriteTokens != nil { json.member("cacheWriteInputTokens", written) }
        if let hour = usage.cacheWrite1hTokens {
            json.key("cacheDetails")
            json.beginArray()
            Self.detail("1h", max(0, hour), into: &json)
            if written > hour { Self.detail("5m", written - max(0, hour), into: &json) }
            json.endArray()
        }
        for field in usage.extensions where isOwn {
            json.key(field.path)
            json.raw(field.value)
        }
        json.endObject()
    }

    /// Writes `metrics`, which the schema demands: 0 where the provider does not say how long it took.
    static func writeMetrics(_ usage: Usage?, into json: inout JSONWriter) {
        json.key("metrics")
        json.beginObject()
        json.member("latencyMs", Int((usage?.timing?.total ?? 0) / 1_000_000))
        json.endObject()
    }

    private static func detail(_ lifetime: String, _ tokens: Int, into json: inout JSONWriter) {
        json.beginObject()
        json.member("ttl", lifetime)
        json.member("inputTokens", tokens)
        json.endObject()
    }
}
