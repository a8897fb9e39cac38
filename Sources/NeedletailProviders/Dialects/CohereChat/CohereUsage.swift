import NeedletailCore

/// The tokens of a reply. What is billed differs from what was processed; both are told, and the second is the usage:
/// `{"billed_units": {…}, "tokens": {"input_tokens", "output_tokens", "reasoning_tokens"}, "cached_tokens"}`.
enum CohereUsage {
    static func read(_ view: JSONView?) -> Usage? {
        guard let view, view.kind == .object else { return nil }
        let billed = view.present("billed_units")
        guard let tokens = view.present("tokens") ?? billed else { return nil }
        var usage = Usage(
            inputTokens: self.count(tokens.present("input_tokens") ?? billed?.present("input_tokens")) ?? 0,
            outputTokens: self.count(tokens.present("output_tokens") ?? billed?.present("output_tokens")) ?? 0)
        usage.reasoningTokens = self.count(tokens.present("reasoning_tokens")).map { min($0, usage.outputTokens) }
        usage.cachedInputTokens = self.count(view.present("cached_tokens")).map { min($0, usage.inputTokens) }
        usage.extensions.keepUnknown(view, known: ["tokens", "cached_tokens"], path: "")
        if let tokens = view.present("tokens") {
            usage.extensions.keepUnknown(
                tokens, known: ["input_tokens", "output_tokens", "reasoning_tokens"], path: "tokens")
        }
        return usage
    }

    private static func count(_ view: JSONView?) -> Int? {
        guard let int = view?.int, int >= 0 else { return nil }
        return min(int, 1 << 53)
    }

    /// Writes the usage object.
    ///
    /// - Parameter isOwn: Whether the counters come from Cohere, and so may be repeated.
    static func write(_ usage: Usage, isOwn: Bool, into json: inout JSONWriter) {
        json.beginObject()
        if !isOwn {
            json.key("billed_units")
            json.beginObject()
            json.member("input_tokens", usage.inputTokens)
            json.member("output_tokens", usage.outputTokens)
            json.endObject()
        }
        json.key("tokens")
        json.beginObject()
        json.member("input_tokens", usage.inputTokens)
        json.member("output_tokens", usage.outputTokens)
        json.member("reasoning_tokens", usage.reasoningTokens)
        if isOwn {
            for extra in usage.extensions where extra.path.hasPrefix("tokens.") {
                json.key(String(extra.path.dropFirst(7)))
                json.raw(extra.value)
            }
        }
        json.endObject()
        json.member("cached_tokens", usage.cachedInputTokens)
        if isOwn {
            for extra in usage.extensions where !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            }
        }
        json.endObject()
    }
}
