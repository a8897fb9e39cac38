import NeedletailCore

/// Writes content blocks of requests and replies.
struct BedrockContentWriter {
    /// How many cache points the models take in one request.
    static let maximumMarkers = 4

    /// The dialect that the request or reply came from.
    let source: DialectID?
    /// Whether the model takes cache points.
    var mayCache = true
    /// How many of the coming markers are left out.
    var markersToDrop = 0
    /// What could not be carried.
    var losses: [Loss] = []
    private var ids = AnthropicToolIDs()
    private var documentNames: Set<String> = []

    init(source: DialectID?) {
        self.source = source
        self.ids.maximumLength = 64  // Bedrock's limit
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.source), reason)
    }

    private func unsupported(_ field: ModelField, _ reason: String) -> NeedletailError {
        let name = field.name(in: self.source)
        return NeedletailError(.unsupported, "\(name): \(reason)", parameter: name)
    }

    /// Writes a list of blocks.
    mutating func write(_ parts: [ContentPart], _ json: inout JSONWriter) throws(NeedletailError) {
        json.beginArray()
        for part in parts { try self.write(part, &json) }
        json.endArray()
    }

    private mutating func write(_ part: ContentPart, _ json: inout JSONWriter) throws(NeedletailError) {
        switch part {
        case .text(let part): self.writeText(part, &json)
        case .image(let part): try self.writeImage(part, &json)
        case .document(let part): try self.writeDocument(part, &json)
        case .audio(let part): try self.writeAudio(part, &json)
        case .toolCall(let call): try self.writeCall(call, &json)
        case .toolResult(let result): try self.writeResult(result, &json)
        case .reasoning(let part): Self.writeReasoning(part, &json)
        case .redactedReasoning(let data): Self.writeRedacted(data, &json)
        case .refusal(let text): self.writeText(TextPart(text), &json)
        case .opaque(let part):
            if part.dialect == .bedrockConverse {
                json.raw(part.json)
            } else {
                self.lose(.contentOpaque, "A part of type \(part.type) has no counterpart.")
            }
        }
    }

    static func writeReasoning(_ part: ReasoningPart, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("reasoningContent")
        json.beginObject()
        json.key("reasoningText")
        json.beginObject()
        json.member("text", part.text)
        json.member("signature", part.signature)
        json.endObject()
        json.endObject()
        json.endObject()
    }

    static func writeRedacted(_ data: String, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("reasoningContent")
        json.beginObject()
        json.member("redactedContent", Base64State.write(data))
        json.endObject()
        json.endObject()
    }

    /// Writes text, with its sources if they are Bedrock's.
    mutating func writeText(_ part: TextPart, _ json: inout JSONWriter) {
        json.beginObject()
        if let citations = part.citations, part.citationDialect == .bedrockConverse {
            json.key("citationsContent")
            json.beginObject()
            json.key("content")
            json.beginArray()
            json.beginObject()
            json.member("text", part.text)
            json.endObject()
            json.endArray()
            json.member("citations", citations)
            json.endObject()
        } else {
            if part.citations != nil { self.lose(.contentCitations, "Sources of another dialect have no counterpart.") }
            json.member("text", part.text)
        }
        json.endObject()
        self.writeMarker(part.cacheMarker, &json)
    }

    /// Writes a `cachePoint`, unless this is one of the markers to be left out.
    mutating func writeMarker(
        _ marker: CacheMarker?, _ json: inout JSONWriter, field: ModelField = .contentCacheMarker
    ) {
        guard let marker else { return }
        guard self.mayCache else { return self.lose(field, "The model does not take cache points.") }
        guard self.markersToDrop == 0 else {
            self.markersToDrop -= 1
            return
        }
        json.beginObject()
        json.key("cachePoint")
        json.beginObject()
        json.member("type", "default")
        json.member("ttl", marker.lifetime)
        json.endObject()
        json.endObject()
    }

    // MARK: Media

    private mutating func writeImage(_ part: ImagePart, _ json: inout JSONWriter) throws(NeedletailError) {
        if let detail = part.detail, detail != "auto" {
            self.lose(.imageDetail, "The provider looks at every image alike.")
        }
        let source = try self.inlined(part.source, .image)
        guard case .base64(let type, _) = source, let format = BedrockMediaFormat.imageFormat(type) else {
            guard case .fileID(let uri) = source else {
                throw self.unsupported(.image, "This provider takes images in PNG, JPEG, GIF and WebP.")
            }
            return self.writeMedia("image", format: Self.s3Format(uri) ?? "png", source, part.cacheMarker, &json)
        }
        self.writeMedia("image", format: format, source, part.cacheMarker, &json)
    }

    private static func s3Format(_ uri: String) -> String? {
        guard let dot = uri.lastIndex(of: ".") else { return nil }
        let ending = uri[uri.index(after: dot)...].lowercased()
        return BedrockMediaFormat.imageFormat("image/\(ending)")
    }

    private mutating func writeMedia(
        _ kind: StaticString, format: String, _ source: MediaSource, _ marker: CacheMarker?, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.key(kind)
        json.beginObject()
        json.member("format", format)
        Self.writeSource(source, &json)
        json.endObject()
        json.endObject()
        self.writeMarker(marker, &json)
    }

    private static func writeSource(_ source: MediaSource, _ json: inout JSONWriter) {
        json.key("source")
        json.beginObject()
        switch source {
        case .base64(_, let data): json.member("bytes", data)
        case .text(let text): json.member("text", text)
        case .url(let uri), .fileID(let uri):
            json.key("s3Location")
            json.beginObject()
            json.member("uri", uri)
            json.endObject()
        }
        json.endObject()
    }

    private mutating func writeDocument(_ part: DocumentPart, _ json: inout JSONWriter) throws(NeedletailError) {
        var source = try self.inlined(part.source, .document)
        var format = "txt"
        switch source {
        case .base64(let type, _):
            guard let known = BedrockMediaFormat.documentFormat(type) else {
                throw self.unsupported(.document, "This provider takes no documents of the type \(type.prefix(80)).")
            }
            format = known
        case .text(let text):
            // All models take bytes; text by itself only those that cite it.
            if part.citationsEnabled != true, self.source != .bedrockConverse, part.passages.isEmpty {
                source = .base64(mediaType: "text/plain", data: Base64.encode(Array(text.utf8)))
            }
        case .fileID(let uri): format = uri.lastIndex(of: ".").map { String(uri[uri.index(after: $0)...]) } ?? "pdf"
        case .url: break  // refused before
        }
        json.beginObject()
        json.key("document")
        json.beginObject()
        json.member("format", format)
        json.member("name", self.documentName(part.title))
        if part.passages.isEmpty { Self.writeSource(source, &json) } else { Self.writePassages(part.passages, &json) }
        json.member("context", part.context)
        if let enabled = part.citationsEnabled {
            json.key("citations")
            json.beginObject()
            json.member("enabled", enabled)
            json.endObject()
        }
        json.endObject()
        json.endObject()
        self.writeMarker(part.cacheMarker, &json)
    }

    private static func writePassages(_ passages: [String], _ json: inout JSONWriter) {
        json.key("source")
        json.beginObject()
        json.key("content")
        json.beginArray()
        for passage in passages {
            json.beginObject()
            json.member("text", passage)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    /// A name that Bedrock takes: letters, digits, hyphens, brackets, single spaces; no two alike in a request.
    private mutating func documentName(_ title: String?) -> String {
        guard self.source != .bedrockConverse else { return title ?? "document" }
        var name = ""
        for character in title ?? "" {
            let isPlain = character.isASCII && (character.isLetter || character.isNumber || "-()[]".contains(character))
            if isPlain {
                name.append(character)
            } else if let last = name.last, last != " " {
                name.append(character.isWhitespace ? " " : "-")
            }
        }
        while let last = name.last, last == " " || last == "-" { name.removeLast() }
        name = name.isEmpty ? "document" : String(name.prefix(190))
        let stem = name
        var number = 2
        while !self.documentNames.insert(name).inserted {
            name = "\(stem) \(number)"
            number += 1
        }
        return name
    }

    private mutating func writeAudio(_ part: AudioPart, _ json: inout JSONWriter) throws(NeedletailError) {
        guard !part.data.isEmpty else { throw self.unsupported(.audio, "Sound of an earlier reply is not kept here.") }
        self.writeMedia(
            "audio", format: part.format ?? "wav", .base64(mediaType: "", data: part.data), nil, &json)
    }

    /// A source that can be written: a `data:` URL taken apart, any other URL refused.
    private func inlined(_ source: MediaSource, _ field: ModelField) throws(NeedletailError) -> MediaSource {
        switch source {
        case .url(let url) where url.hasPrefix("data:"):
            guard let comma = url.firstIndex(of: ","), url[..<comma].hasSuffix(";base64") else {
                throw self.unsupported(field, "A data URL must be in base64.")
            }
            let type = url[..<comma].dropFirst("data:".count).prefix(while: { $0 != ";" })
            return .base64(mediaType: String(type), data: String(url[url.index(after: comma)...]))
        case .url(let url) where url.hasPrefix("s3://"): return .fileID(url)
        case .url:
            throw self.unsupported(field.at(source), "This provider takes media only inside the request, or in S3.")
        case .fileID(let id) where !id.hasPrefix("s3://"):
            throw self.unsupported(.fileID, "A file stored at another provider cannot be read by this one.")
        case .text where field == .image: throw self.unsupported(field, "An image cannot be given as text.")
        case .base64, .fileID, .text: return source
        }
    }

    // MARK: Tools

    private mutating func writeCall(_ call: ToolCall, _ json: inout JSONWriter) throws(NeedletailError) {
        var input = call.isCustom ? nil : ToolArguments.object(call.arguments)
        if call.isCustom {
            self.lose(.toolCallCustom, "A call with free text was sent as {\"input\": …}.")
            input = Self.wrapped(call.arguments)
        }
        guard let input else {
            let name = ModelField.toolCallCustom.name(in: self.source)
            throw NeedletailError(
                .invalidRequest, "\(name): the arguments of a call must be a JSON object", parameter: name)
        }
        Self.writeCall(id: self.ids.id(call.id), name: call.name, input: input, &json)
        self.writeMarker(call.cacheMarker, &json)
    }

    /// Free text as the object that stands for it.
    static func wrapped(_ text: String) -> JSONText {
        var json = JSONWriter()
        json.beginObject()
        json.member("input", text)
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    static func writeCall(id: String, name: String, input: JSONText, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("toolUse")
        json.beginObject()
        json.member("toolUseId", id)
        json.member("name", name)
        json.member("input", input)
        json.endObject()
        json.endObject()
    }

    private mutating func writeResult(_ result: ToolResult, _ json: inout JSONWriter) throws(NeedletailError) {
        var markers = [result.cacheMarker].compactMap { $0 }
        json.beginObject()
        json.key("toolResult")
        json.beginObject()
        json.member("toolUseId", self.ids.id(result.callID))
        json.key("content")
        json.beginArray()
        for part in result.content {
            var part = part
            // A cache point stands behind the result, not in it.
            if let marker = part.takeMarker() { markers.append(marker) }
            if case .text(let text) = part, text.text.isEmpty { continue }
            try self.write(part, &json)
        }
        json.endArray()
        if let isError = result.isError { json.member("status", isError ? "error" : "success") }
        json.endObject()
        json.endObject()
        for _ in markers.dropFirst() where self.markersToDrop > 0 { self.markersToDrop -= 1 }
        self.writeMarker(markers.last, &json)
    }
}

extension ContentPart {
    /// Takes the part's cache marker away.
    fileprivate mutating func takeMarker() -> CacheMarker? {
        switch self {
        case .text(var part):
            let marker = part.cacheMarker
            part.cacheMarker = nil
            self = .text(part)
            return marker
        case .image(var part):
            let marker = part.cacheMarker
            part.cacheMarker = nil
            self = .image(part)
            return marker
        case .document(var part):
            let marker = part.cacheMarker
            part.cacheMarker = nil
            self = .document(part)
            return marker
        case .audio, .toolCall, .toolResult, .reasoning, .redactedReasoning, .refusal, .opaque: return nil
        }
    }
}
