import NeedletailCore

/// Anthropic's token counters, where `input_tokens` leaves out what the prompt cache had or took.
///
/// They are cumulative: of two records the later one counts, field by field. Nothing is ever added up across records.
struct AnthropicUsage {
    private(set) var input = 0
    private(set) var cacheRead: Int?
    private(set) var cacheWrite: Int?
    private(set) var cacheWrite1h: Int?
    private(set) var output = 0
    private(set) var thinking: Int?
    private(set) var webSearches: Int?
    private(set) var serviceTier: ServiceTier?
    private(set) var extensions: [Extension] = []
    /// Whether any record was seen.
    private(set) var isKnown = false

    /// Takes over what a `usage` object says.
    mutating func merge(_ usage: JSONView) {
        guard usage.kind == .object else { return }
        self.isKnown = true
        for member in usage.members where !member.value.isNull {
            let value = member.value
            switch member.key {
            case "input_tokens": self.input = Self.count(value) ?? self.input
            case "output_tokens": self.output = Self.count(value) ?? self.output
            case "cache_read_input_tokens": self.cacheRead = Self.count(value) ?? self.cacheRead
            case "cache_creation_input_tokens": self.cacheWrite = Self.count(value) ?? self.cacheWrite
            case "cache_creation":
                if let hour = value.present("ephemeral_1h_input_tokens") {
                    self.cacheWrite1h = Self.count(hour) ?? self.cacheWrite1h
                }
                self.keepUnknown("cache_creation", value, ["ephemeral_1h_input_tokens", "ephemeral_5m_input_tokens"])
            case "output_tokens_details":
                if let tokens = value.present("thinking_tokens") { self.thinking = Self.count(tokens) ?? self.thinking }
                self.keepUnknown("output_tokens_details", value, ["thinking_tokens"])
            case "server_tool_use":
                if let searches = value.present("web_search_requests") {
                    self.webSearches = Self.count(searches) ?? self.webSearches
                }
                self.keep("server_tool_use", value, isRead: true)
                self.keepUnknown("server_tool_use", value, ["web_search_requests"])
            case "service_tier": self.serviceTier = value.string.flatMap { ServiceTier(reply: $0) }
            case let key: self.keep(key, value)
            }
        }
    }

    /// A counter; never negative, whatever the provider says.
    private static func count(_ value: JSONView) -> Int? {
        value.int.map { max(0, $0) }
    }

    private mutating func keepUnknown(_ key: String, _ value: JSONView, _ known: [StaticString]) {
        var fields: [Extension] = []
        fields.keepUnknown(value, known: known, path: key)
        for field in fields where !self.extensions.contains(field) { self.extensions.append(field) }
    }

    private mutating func keep(_ key: String, _ value: JSONView, isRead: Bool = false) {
        let field = Extension(key, value.text, isRead: isRead)
        if let index = self.extensions.firstIndex(where: { $0.path == key }) {
            self.extensions[index] = field
        } else {
            self.extensions.append(field)
        }
    }

    /// The counters in the model's convention; `nil` before the first record.
    var usage: Usage? {
        guard self.isKnown else { return nil }
        var usage = Usage(outputTokens: self.output)
        usage.inputTokens = Self.sum(Self.sum(self.input, self.cacheRead ?? 0), self.cacheWrite ?? 0)
        usage.cachedInputTokens = self.cacheRead
        usage.cacheWriteTokens = self.cacheWrite
        usage.cacheWrite1hTokens = self.cacheWrite1h
        usage.reasoningTokens = self.thinking
        usage.webSearches = self.webSearches
        usage.serviceTier = self.serviceTier == .standard ? nil : self.serviceTier
        usage.extensions = self.extensions
        return usage
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// Fields of Anthropic's that the model has no place for.
    private static let ownFields: Set<String> = ["server_tool_use", "inference_geo", "iterations", "speed"]

    /// The counters of `usage` that have no place in Anthropic's: they stay in the totals.
    static func unspoken(of usage: Usage?) -> [ModelField] {
        guard let usage else { return [] }
        var fields: [ModelField] = usage.timing == nil ? [] : [.replyTiming]
        if max(usage.audioInputTokens ?? 0, usage.audioOutputTokens ?? 0) > 0 { fields.append(.usageAudio) }
        let prediction = max(usage.acceptedPredictionTokens ?? 0, usage.rejectedPredictionTokens ?? 0)
        if prediction > 0 { fields.append(.usagePrediction) }
        return fields
    }

    /// `usage` with those unknown fields alone that are not repeated.
    static func unwritten(of usage: Usage?, isOwn: Bool) -> Usage? {
        guard var usage, !isOwn else { return nil }
        usage.extensions.removeAll { Self.ownFields.contains($0.path) }
        return usage
    }

    /// Writes a `usage` object.
    ///
    /// - Parameter isOwn: Whether all unknown fields are Anthropic's; else only those known to be are repeated.
    static func write(_ usage: Usage, serviceTier: String? = nil, isOwn: Bool, into json: inout JSONWriter) {
        let read = max(0, usage.cachedInputTokens ?? 0)
        let written = max(0, usage.cacheWriteTokens ?? 0)
        // A provider may count what it cached differently: never below zero.
        let input = max(0, max(0, usage.inputTokens - min(read, max(0, usage.inputTokens))) - written)
        json.beginObject()
        json.member("input_tokens", input)
        json.member("cache_creation_input_tokens", written)
        json.member("cache_read_input_tokens", read)
        if let hour = usage.cacheWrite1hTokens {
            json.key("cache_creation")
            json.beginObject()
            json.member("ephemeral_5m_input_tokens", max(0, written - min(written, max(0, hour))))
            json.member("ephemeral_1h_input_tokens", max(0, hour))
            if isOwn { self.writeUnknown("cache_creation.", of: usage, into: &json) }
            json.endObject()
        }
        json.member("output_tokens", max(0, usage.outputTokens))
        if let reasoning = usage.reasoningTokens {
            json.key("output_tokens_details")
            json.beginObject()
            json.member("thinking_tokens", max(0, reasoning))
            if isOwn { self.writeUnknown("output_tokens_details.", of: usage, into: &json) }
            json.endObject()
        }
        let kept = isOwn ? usage.extensions : usage.extensions.filter { Self.ownFields.contains($0.path) }
        if let searches = usage.webSearches, !kept.contains(where: { $0.path == "server_tool_use" }) {
            json.key("server_tool_use")
            json.beginObject()
            json.member("web_search_requests", max(0, searches))
            json.endObject()
        }
        json.member("service_tier", serviceTier)
        for field in kept where !field.path.utf8.contains(UInt8(ascii: ".")) {
            json.key(field.path)
            json.raw(field.value)
        }
        json.endObject()
    }

    private static func writeUnknown(_ prefix: String, of usage: Usage, into json: inout JSONWriter) {
        for field in usage.extensions where field.path.hasPrefix(prefix) {
            json.key(String(field.path.dropFirst(prefix.count)))
            json.raw(field.value)
        }
    }
}
