import NIOCore
import NeedletailCore

/// Reads content blocks, of requests and of replies alike, and collects the fields that the model has no place for.
struct AnthropicContentReader {
    /// What the model has no place for.
    var extensions: [Extension] = []
    /// Whether the blocks are an upstream's, of which more forms are understood than clients may send.
    var isReply = false

    /// Keeps every member of `object` that is not `known`.
    mutating func keepUnknown(_ object: JSONView, known: [StaticString], path: String) {
        self.extensions.keepUnknown(object, known: known, path: path)
    }

    /// Reads `content`: a string or a list of blocks.
    mutating func readContent(_ content: JSONView, path: String) throws(AnthropicFieldError) -> [ContentPart] {
        switch content.kind {
        case .string: return [.text(TextPart(content.string ?? ""))]
        case .array:
            var parts: [ContentPart] = []
            for block in content.elements {
                do {
                    parts.append(try self.readBlock(block, path: path))
                } catch {
                    throw error.inside(String(parts.count))
                }
            }
            return parts
        default: throw AnthropicFieldError("", "Input should be a valid string or a valid list")
        }
    }

    /// Reads one block; a type this library does not know stays whole.
    mutating func readBlock(_ block: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart {
        try AnthropicField.object(block)
        switch try AnthropicField.requiredString(block, "type") {
        case "text":
            var part = TextPart(try AnthropicField.requiredString(block, "text"))
            if let citations = block.present("citations"), citations.elements.contains(where: { _ in true }) {
                part.citations = citations.text
                part.citationDialect = .anthropicMessages
            }
            part.cacheMarker = try self.readMarker(block, path: path)
            self.keepUnknown(block, known: ["type", "text", "citations", "cache_control"], path: path)
            return .text(part)
        case "image": return try self.readImage(block, path: path)
        case "document": return try self.readDocument(block, path: path)
        case "tool_use": return try self.readToolUse(block, path: path)
        case "tool_result": return try self.readToolResult(block, path: path)
        case "thinking":
            let text = try AnthropicField.requiredString(block, "thinking")
            self.keepUnknown(block, known: ["type", "thinking", "signature"], path: path)
            // An empty one is how a block without is written, since the member is mandatory.
            let signature = try AnthropicField.string(block, "signature")
            return .reasoning(ReasoningPart(text, signature: signature?.isEmpty == true ? nil : signature))
        case "redacted_thinking":
            self.keepUnknown(block, known: ["type", "data"], path: path)
            return .redactedReasoning(try AnthropicField.requiredString(block, "data"))
        case let type:
            return .opaque(OpaquePart(dialect: .anthropicMessages, type: type, json: block.text))
        }
    }

    /// Reads `cache_control`.
    mutating func readMarker(_ block: JSONView, path: String) throws(AnthropicFieldError) -> CacheMarker? {
        guard let control = try AnthropicField.object(block, "cache_control") else { return nil }
        let lifetime: String?
        do { lifetime = try AnthropicField.string(control, "ttl") } catch { throw error.inside("cache_control") }
        self.keepUnknown(control, known: ["type", "ttl"], path: "\(path).cache_control")
        return CacheMarker(lifetime: lifetime)
    }

    // MARK: Media

    private mutating func readImage(_ block: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart {
        guard let source = try self.readSource(block) else { return Self.opaque(block, "image") }
        if case .text = source { return Self.opaque(block, "image") }
        self.keepUnknownSource(block, source, path: path)
        self.keepUnknown(block, known: ["type", "source", "cache_control"], path: path)
        return .image(ImagePart(source, cacheMarker: try self.readMarker(block, path: path)))
    }

    private mutating func readDocument(_ block: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart {
        let passages = Self.passages(block.present("source"))
        var source = try self.readSource(block)
        if let passages { source = .text(passages.joined(separator: "\n\n")) }
        guard let source else { return Self.opaque(block, "document") }
        var part = DocumentPart(source, title: try AnthropicField.string(block, "title"))
        part.passages = passages ?? []
        part.context = try AnthropicField.string(block, "context")
        if let citations = try AnthropicField.object(block, "citations") {
            do {
                part.citationsEnabled = try AnthropicField.bool(citations, "enabled")
            } catch {
                throw error.inside("citations")
            }
            self.keepUnknown(citations, known: ["enabled"], path: "\(path).citations")
        }
        if passages == nil { self.keepUnknownSource(block, source, path: path) }
        part.cacheMarker = try self.readMarker(block, path: path)
        let known: [StaticString] = ["type", "source", "title", "context", "citations", "cache_control"]
        self.keepUnknown(block, known: known, path: path)
        return .document(part)
    }

    /// The blocks of a document that is given as content of its own; `nil` where they are more than text.
    private static func passages(_ source: JSONView?) -> [String]? {
        guard let source, source.present("type")?.string == "content", let content = source.present("content") else {
            return nil
        }
        if let text = content.string { return [text] }
        var passages: [String] = []
        for block in content.elements {
            guard block.present("type")?.string == "text", block.present("cache_control") == nil,
                let text = block.present("text")?.string
            else { return nil }
            passages.append(text)
        }
        return passages.isEmpty ? nil : passages
    }

    /// Reads `source`; `nil` for a kind that the model has no place for, such as `content` with images.
    private func readSource(_ block: JSONView) throws(AnthropicFieldError) -> MediaSource? {
        guard let source = try AnthropicField.object(block, "source") else {
            throw AnthropicFieldError("source", "Field required")
        }
        do {
            switch try AnthropicField.requiredString(source, "type") {
            case "base64":
                return .base64(
                    mediaType: try AnthropicField.requiredString(source, "media_type"),
                    data: try AnthropicField.requiredString(source, "data")
                )
            case "url": return .url(try AnthropicField.requiredString(source, "url"))
            case "file": return .fileID(try AnthropicField.requiredString(source, "file_id"))
            case "text": return .text(try AnthropicField.requiredString(source, "data"))
            default: return nil
            }
        } catch {
            throw error.inside("source")
        }
    }

    /// Keeps what `source` holds besides what ``readSource(_:)`` made `read` of.
    private mutating func keepUnknownSource(_ block: JSONView, _ read: MediaSource, path: String) {
        guard let source = block.present("source") else { return }
        let known: [StaticString] =
            switch read {
            case .base64, .text: ["type", "media_type", "data"]
            case .url: ["type", "url"]
            case .fileID: ["type", "file_id"]
            }
        self.keepUnknown(source, known: known, path: "\(path).source")
    }

    private static func opaque(_ block: JSONView, _ type: String) -> ContentPart {
        .opaque(OpaquePart(dialect: .anthropicMessages, type: type, json: block.text))
    }

    // MARK: Tools

    /// Whether the model itself calls a tool, as always where no code of its own does.
    static func isDirect(_ call: JSONView) -> Bool { call.present("caller")?.present("type")?.string == "direct" }

    /// The input of a call where a server sends it as text, as chat completions have it.
    static func spelledInput(_ call: JSONView) -> JSONText? {
        call.present("input")?.string.flatMap(ToolArguments.object)
    }

    private mutating func readToolUse(_ block: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart {
        let id = try AnthropicField.requiredString(block, "id")
        let name = try AnthropicField.requiredString(block, "name")
        var input = self.isReply ? Self.spelledInput(block) : nil
        if input == nil { input = try AnthropicField.object(block, "input")?.text }
        var call = ToolCall(id: id, name: name, arguments: input?.description ?? "{}")
        call.cacheMarker = try self.readMarker(block, path: path)
        var known: [StaticString] = ["type", "id", "name", "input", "cache_control"]
        if Self.isDirect(block) { known.append("caller") }
        self.keepUnknown(block, known: known, path: path)
        return .toolCall(call)
    }

    private mutating func readToolResult(_ block: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart {
        var result = ToolResult(callID: try AnthropicField.requiredString(block, "tool_use_id"), content: [])
        if let content = block.present("content") {
            do {
                result.content = try self.readContent(content, path: "\(path).content")
            } catch {
                throw error.inside("content")
            }
        }
        result.isError = try AnthropicField.bool(block, "is_error")
        result.cacheMarker = try self.readMarker(block, path: path)
        let known: [StaticString] = ["type", "tool_use_id", "content", "is_error", "cache_control"]
        self.keepUnknown(block, known: known, path: path)
        return .toolResult(result)
    }
}
