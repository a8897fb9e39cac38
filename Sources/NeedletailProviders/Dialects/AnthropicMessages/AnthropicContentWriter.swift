import NeedletailCore

/// Writes content blocks of requests.
struct AnthropicContentWriter {
    /// How many cache markers Anthropic takes in one request.
    static let maximumMarkers = 4

    /// The dialect that the request came from.
    let source: DialectID?
    /// How many of the coming markers are left out.
    var markersToDrop = 0
    /// What could not be carried.
    var losses: [Loss] = []
    private var ids = AnthropicToolIDs()

    init(source: DialectID?) {
        self.source = source
    }

    private func name(_ field: AnthropicLossName.Field) -> String {
        AnthropicLossName.name(field, in: self.source)
    }

    private func unsupported(_ field: AnthropicLossName.Field, _ reason: String) -> NeedletailError {
        let name = self.name(field)
        return NeedletailError(.unsupported, "\(name): \(reason)", parameter: name)
    }

    /// How many cache markers are in `parts`.
    static func markers(_ parts: [ContentPart]) -> Int {
        var count = 0
        for part in parts {
            switch part {
            case .text(let part): count += part.cacheMarker == nil ? 0 : 1
            case .image(let part): count += part.cacheMarker == nil ? 0 : 1
            case .document(let part): count += part.cacheMarker == nil ? 0 : 1
            case .toolCall(let part): count += part.cacheMarker == nil ? 0 : 1
            case .toolResult(let part):
                count += (part.cacheMarker == nil ? 0 : 1) + Self.markers(part.content)
            case .audio, .reasoning, .redactedReasoning, .refusal, .opaque: break
            }
        }
        return count
    }

    /// Writes a list of blocks, or a string if they are one plain text.
    mutating func write(_ parts: [ContentPart], _ json: inout JSONWriter) throws(NeedletailError) {
        if parts.count == 1, case .text(let part) = parts.first, part.cacheMarker == nil, part.citations == nil {
            json.string(part.text)
            return
        }
        json.beginArray()
        for part in parts { try self.write(part, &json) }
        json.endArray()
    }

    private mutating func write(_ part: ContentPart, _ json: inout JSONWriter) throws(NeedletailError) {
        switch part {
        case .text(let part): self.writeText(part, &json)
        case .image(let part): try self.writeImage(part, &json)
        case .document(let part): try self.writeDocument(part, &json)
        case .audio: throw self.unsupported(.audio, "This provider takes no sound.")
        case .toolCall(let call): try self.writeCall(call, &json)
        case .toolResult(let result): try self.writeResult(result, &json)
        case .reasoning(let part):
            json.beginObject()
            json.member("type", "thinking")
            json.member("thinking", part.text)
            json.member("signature", part.signature ?? "")
            json.endObject()
        case .redactedReasoning(let data):
            json.beginObject()
            json.member("type", "redacted_thinking")
            json.member("data", data)
            json.endObject()
        case .refusal(let text): self.writeText(TextPart(text), &json)
        case .opaque(let part):
            if part.dialect == .anthropicMessages {
                json.raw(part.json)
            } else {
                self.losses.add(self.name(.opaquePart), "A part of type \(part.type) has no counterpart.")
            }
        }
    }

    /// Writes a text block.
    mutating func writeText(_ part: TextPart, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "text")
        json.member("text", part.text)
        if part.citations != nil, part.citationDialect == .anthropicMessages {
            json.member("citations", part.citations)
        } else if part.citations != nil {
            self.losses.add(self.name(.citations), "Sources of another dialect have no counterpart.")
        }
        self.writeMarker(part.cacheMarker, &json)
        json.endObject()
    }

    /// Writes `cache_control`, unless this is one of the markers to be left out.
    mutating func writeMarker(_ marker: CacheMarker?, _ json: inout JSONWriter) {
        guard let marker else { return }
        guard self.markersToDrop == 0 else {
            self.markersToDrop -= 1
            return
        }
        json.key("cache_control")
        json.beginObject()
        json.member("type", "ephemeral")
        json.member("ttl", marker.lifetime)
        json.endObject()
    }

    // MARK: Media

    private mutating func writeImage(_ part: ImagePart, _ json: inout JSONWriter) throws(NeedletailError) {
        if let detail = part.detail, detail != "auto" {
            self.losses.add(self.name(.detail), "The provider looks at every image alike.")
        }
        json.beginObject()
        json.member("type", "image")
        json.key("source")
        switch part.source {
        case .text: throw self.unsupported(.image, "An image cannot be given as text.")
        case .fileID where self.source != .anthropicMessages && self.source != nil: throw self.foreignFile
        default: try self.writeSource(part.source, .image, &json)
        }
        self.writeMarker(part.cacheMarker, &json)
        json.endObject()
    }

    private mutating func writeDocument(_ part: DocumentPart, _ json: inout JSONWriter) throws(NeedletailError) {
        json.beginObject()
        json.member("type", "document")
        json.key("source")
        switch part.source {
        case _ where !part.passages.isEmpty: Self.writePassages(part.passages, &json)
        case .base64(let mediaType, let data) where mediaType.hasPrefix("text/"):
            // Anthropic takes PDF in base64, text as text.
            guard let bytes = Base64.decode(data), let text = String(validating: bytes, as: UTF8.self) else {
                throw self.unsupported(.file, "A text document must be UTF-8 in base64.")
            }
            try self.writeSource(.text(text), .file, &json)
        case .base64(let mediaType, _) where mediaType != "application/pdf":
            throw self.unsupported(.file, "This provider takes PDF and text documents, not \(mediaType.prefix(80)).")
        case .fileID where self.source != .anthropicMessages && self.source != nil: throw self.foreignFile
        default: try self.writeSource(part.source, .file, &json)
        }
        json.member("title", part.title)
        json.member("context", part.context)
        if let enabled = part.citationsEnabled {
            json.key("citations")
            json.beginObject()
            json.member("enabled", enabled)
            json.endObject()
        }
        self.writeMarker(part.cacheMarker, &json)
        json.endObject()
    }

    private static func writePassages(_ passages: [String], _ json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "content")
        json.key("content")
        json.beginArray()
        for passage in passages {
            json.beginObject()
            json.member("type", "text")
            json.member("text", passage)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    private var foreignFile: NeedletailError {
        self.unsupported(.fileID, "A file stored at another provider cannot be read by this one.")
    }

    private func writeSource(
        _ source: MediaSource,
        _ field: AnthropicLossName.Field,
        _ json: inout JSONWriter
    ) throws(NeedletailError) {
        json.beginObject()
        switch source {
        case .base64(let mediaType, let data):
            json.member("type", "base64")
            json.member("media_type", mediaType)
            json.member("data", data)
        case .url(let url):
            if url.hasPrefix("data:") {
                guard let comma = url.firstIndex(of: ","), url[..<comma].hasSuffix(";base64") else {
                    throw self.unsupported(field, "A data URL must be in base64.")
                }
                let head = url[..<comma].dropFirst("data:".count)
                json.member("type", "base64")
                json.member("media_type", String(head.prefix(while: { $0 != ";" })))
                json.member("data", String(url[url.index(after: comma)...]))
            } else {
                json.member("type", "url")
                json.member("url", url)
            }
        case .fileID(let id):
            json.member("type", "file")
            json.member("file_id", id)
        case .text(let text):
            json.member("type", "text")
            json.member("media_type", "text/plain")
            json.member("data", text)
        }
        json.endObject()
    }

    // MARK: Tools

    private mutating func writeCall(_ call: ToolCall, _ json: inout JSONWriter) throws(NeedletailError) {
        json.beginObject()
        json.member("type", "tool_use")
        json.member("id", self.ids.id(call.id))
        json.member("name", call.name)
        json.key("input")
        if call.isCustom {
            self.losses.add(self.name(.customCall), "A call with free text was sent as {\"input\": …}.")
            json.beginObject()
            json.member("input", call.arguments)
            json.endObject()
        } else if let input = ToolArguments.object(call.arguments) {
            json.raw(input)
        } else {
            let name = self.name(.toolArguments)
            throw NeedletailError(
                .invalidRequest, "\(name): the arguments of a call must be a JSON object", parameter: name)
        }
        self.writeMarker(call.cacheMarker, &json)
        json.endObject()
    }

    private mutating func writeResult(_ result: ToolResult, _ json: inout JSONWriter) throws(NeedletailError) {
        json.beginObject()
        json.member("type", "tool_result")
        json.member("tool_use_id", self.ids.id(result.callID))
        let parts = result.content.filter { part in
            if case .text(let text) = part { !text.text.isEmpty } else { true }
        }
        if !parts.isEmpty {
            json.key("content")
            try self.write(parts, &json)
        }
        json.member("is_error", result.isError)
        self.writeMarker(result.cacheMarker, &json)
        json.endObject()
    }
}
