public import NIOCore

/// All of a kept reply but its bytes, as one JSON object, for where replies outlive the process.
extension CachedReply {
    /// Writes the object.
    public func head() -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("provider", self.provider.rawValue)
        json.member("model", self.model)
        json.key("losses")
        json.beginArray()
        for loss in self.losses {
            json.beginObject()
            json.member("field", loss.field)
            json.member("reason", loss.reason)
            if loss.isBookkeeping { json.member("bookkeeping", true) }
            json.endObject()
        }
        json.endArray()
        json.member("content_type", self.contentType)
        json.member("dialect", self.dialect.rawValue)
        json.member("stream", self.isStream)
        json.member("includes_usage", self.includesUsage)
        json.member("created", Int(self.created))
        if let usage = self.usage {
            json.key("usage")
            json.beginObject()
            for (name, path) in Usage.counts { json.member(name, usage[keyPath: path]) }
            json.member("input", usage.inputTokens)
            json.member("output", usage.outputTokens)
            json.member("tier", usage.serviceTier?.rawValue)
            if let timing = usage.timing {
                json.key("timing")
                json.beginObject()
                for (name, path) in ProviderTiming.parts { json.member(name, timing[keyPath: path].map { Int($0) }) }
                json.endObject()
            }
            json.key("extensions")
            json.beginArray()
            for part in usage.extensions {
                json.beginObject()
                json.member("path", part.path)
                json.member("value", part.value)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    /// Reads what ``head()`` wrote; `nil` for anything else.
    public init?(head text: JSONText, bytes: ByteBuffer) {
        guard let head = try? JSONDocument(text.bytes).root, let provider = head["provider"]?.string,
            let dialect = head["dialect"]?.string.flatMap({ DialectID(rawValue: $0) }),
            let created = head["created"]?.int, let model = head["model"]?.string,
            let isStream = head["stream"]?.bool, let includesUsage = head["includes_usage"]?.bool
        else { return nil }
        var losses: [Loss] = []
        for loss in head["losses"]?.elements.map({ $0 }) ?? [] {
            losses.add(
                Loss(
                    loss["field"]?.string ?? "", loss["reason"]?.string ?? "",
                    isBookkeeping: loss["bookkeeping"]?.bool == true))
        }
        self.init(
            InferenceReply(
                provider: ProviderID(provider), model: model, losses: losses,
                contentType: head["content_type"]?.string,
                body: .complete(WireBody(dialect: dialect, bytes: bytes), nil)),
            includesUsage: includesUsage, created: Int64(created))
        self.dialect = dialect
        self.isStream = isStream
        self.bytes = bytes
        self.usage = head["usage"].map { Usage(kept: $0) }
    }
}

extension Usage {
    /// The parts that a provider may tell or not, by the names that they are kept under.
    fileprivate static var counts: [(StaticString, WritableKeyPath<Usage, Int?>)] {
        [
            ("cached", \.cachedInputTokens), ("cache_write", \.cacheWriteTokens),
            ("cache_write_1h", \.cacheWrite1hTokens), ("reasoning", \.reasoningTokens),
            ("audio_input", \.audioInputTokens), ("audio_output", \.audioOutputTokens),
            ("accepted", \.acceptedPredictionTokens), ("rejected", \.rejectedPredictionTokens),
            ("searches", \.webSearches), ("image_input", \.imageInputTokens),
            ("image_output", \.imageOutputTokens), ("images", \.images),
        ]
    }

    fileprivate init(kept json: JSONView) {
        self.init(inputTokens: json["input"]?.int ?? 0, outputTokens: json["output"]?.int ?? 0)
        for (name, path) in Self.counts { self[keyPath: path] = json.present(name)?.int }
        self.serviceTier = json["tier"]?.string.flatMap { ServiceTier(rawValue: $0) }
        if let kept = json["timing"] {
            var timing = ProviderTiming()
            for (name, path) in ProviderTiming.parts {
                timing[keyPath: path] = kept.present(name)?.int.map { Int64($0) }
            }
            self.timing = timing
        }
        self.extensions = (json["extensions"]?.elements.map { $0 } ?? []).compactMap { part in
            guard let path = part["path"]?.string, let value = part["value"] else { return nil }
            return Extension(path, value.text)
        }
    }
}

extension ProviderTiming {
    /// Its parts by the names that they are kept under.
    fileprivate static var parts: [(StaticString, WritableKeyPath<ProviderTiming, Int64?>)] {
        [("total", \.total), ("load", \.load), ("input", \.input), ("output", \.output)]
    }
}
