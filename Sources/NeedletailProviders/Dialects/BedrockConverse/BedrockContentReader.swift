import NIOCore
import NeedletailCore

/// Reads content blocks, of requests and of replies alike, and collects the fields that the model has no place for.
///
/// A block is an object with one member whose key says what it is. A `cachePoint` marks the part before it.
struct BedrockContentReader {
    /// What the model has no place for.
    var extensions: [Extension] = []

    /// Keeps every member of `object` that is not `known`.
    mutating func keepUnknown(_ object: JSONView, known: [StaticString], path: String) {
        self.extensions.keepUnknown(object, known: known, path: path)
    }

    /// Reads a list of blocks.
    mutating func readContent(_ content: JSONView, path: String) throws(AnthropicFieldError) -> [ContentPart] {
        guard content.kind == .array else { throw AnthropicFieldError("", "Input should be a valid list") }
        var parts: [ContentPart] = []
        var index = 0
        for block in content.elements {
            do {
                try self.readBlock(block, path: path, into: &parts)
            } catch {
                throw error.inside(String(index))
            }
            index += 1
        }
        return parts
    }

    /// Reads one block; a kind that this library does not know stays whole.
    private mutating func readBlock(
        _ block: JSONView, path: String, into parts: inout [ContentPart]
    ) throws(AnthropicFieldError) {
        try AnthropicField.object(block)
        guard let member = block.members.first(where: { !$0.value.isNull }) else { return }
        let key = member.key
        do {
            if key == "cachePoint", let last = parts.indices.last, let marker = try self.marker(member.value, path),
                parts[last].mark(marker)
            {
                return
            }
            guard let part = try self.part(key, member.value, path: path) else {
                parts.append(Self.opaque(block, key))
                return
            }
            parts.append(part)
            // A block has one member; what else stands in it is no part of it.
            for other in block.members where !other.value.isNull && other.key != key {
                self.extensions.append(Extension("\(path).\(other.key)", other.value.text))
            }
        } catch {
            throw error.inside(key)
        }
    }

    private static func opaque(_ block: JSONView, _ type: String) -> ContentPart {
        .opaque(OpaquePart(dialect: .bedrockConverse, type: type, json: block.text))
    }

    /// Reads what stands under a block's key; `nil` for what the model has no place for.
    private mutating func part(
        _ key: String, _ value: JSONView, path: String
    ) throws(AnthropicFieldError) -> ContentPart? {
        switch key {
        case "text":
            guard let text = value.string else { throw AnthropicFieldError("", "Input should be a valid string") }
            return .text(TextPart(text))
        case "image": return try self.image(value, path: path)
        case "document": return try self.document(value, path: path)
        case "audio": return try self.audio(value, path: path)
        case "toolUse": return try self.toolUse(value, path: path)
        case "toolResult": return try self.toolResult(value, path: path)
        case "reasoningContent": return try self.reasoning(value, path: path)
        case "citationsContent": return self.citations(value, path: path)
        case "guardContent": return try self.guarded(value, path: path)
        // What a tool answers as JSON is text to all other dialects.
        case "json": return .text(TextPart(value.text.description))
        default: return nil
        }
    }

    /// Reads a `cachePoint`; `nil` for a kind that this library does not know.
    mutating func marker(_ point: JSONView, _ path: String) throws(AnthropicFieldError) -> CacheMarker? {
        guard point.present("type")?.string ?? "default" == "default" else { return nil }
        self.keepUnknown(point, known: ["type", "ttl"], path: "\(path).cachePoint")
        return CacheMarker(lifetime: try AnthropicField.string(point, "ttl"))
    }

    // MARK: Media

    /// Reads `source`: `bytes`, or a place in S3, which only Amazon can look into.
    private mutating func source(
        _ block: JSONView, mediaType: String, path: String
    ) throws(AnthropicFieldError) -> MediaSource? {
        guard let source = try AnthropicField.object(block, "source") else {
            throw AnthropicFieldError("source", "Field required")
        }
        do {
            if let data = try AnthropicField.string(source, "bytes") {
                self.keepUnknown(source, known: ["bytes"], path: "\(path).source")
                return .base64(mediaType: mediaType, data: data)
            }
            guard let location = try AnthropicField.object(source, "s3Location") else { return nil }
            self.keepUnknown(location, known: ["uri"], path: "\(path).source.s3Location")
            return .fileID(try AnthropicField.requiredString(location, "uri"))
        } catch {
            throw error.inside("source")
        }
    }

    private mutating func image(_ image: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        let path = "\(path).image"
        let type = BedrockMediaFormat.imageType(try AnthropicField.string(image, "format") ?? "png")
        guard let source = try self.source(image, mediaType: type, path: path) else { return nil }
        self.keepUnknown(image, known: ["format", "source"], path: path)
        return .image(ImagePart(source))
    }

    private mutating func document(_ document: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        let path = "\(path).document"
        let format = try AnthropicField.string(document, "format") ?? "txt"
        var source: MediaSource
        var passages: [String] = []
        var known: [StaticString] = ["name", "source", "context", "citations"]
        if let text = document.present("source")?.present("text")?.string {
            source = .text(text)
            if format == "txt" { known.append("format") }
        } else if let content = document.present("source")?.present("content") {
            for piece in content.elements { passages.append(piece.present("text")?.string ?? "") }
            source = .text(passages.joined(separator: "\n\n"))
            if format == "txt" { known.append("format") }
        } else {
            known.append("format")
            let type = BedrockMediaFormat.documentType(format)
            guard let read = try self.source(document, mediaType: type, path: path) else { return nil }
            source = read
        }
        var part = DocumentPart(source, title: try AnthropicField.string(document, "name"))
        part.passages = passages
        part.context = try AnthropicField.string(document, "context")
        if let citations = try AnthropicField.object(document, "citations") {
            do {
                part.citationsEnabled = try AnthropicField.bool(citations, "enabled")
            } catch {
                throw error.inside("citations")
            }
        }
        self.keepUnknown(document, known: known, path: path)
        return .document(part)
    }

    private mutating func audio(_ audio: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        guard let data = audio.present("source")?.present("bytes")?.string else { return nil }
        self.keepUnknown(audio, known: ["format", "source"], path: "\(path).audio")
        return .audio(AudioPart(data: data, format: try AnthropicField.string(audio, "format")))
    }

    // MARK: Tools

    /// Reads a call; one of a tool that Bedrock runs itself is nobody's to answer.
    private mutating func toolUse(_ call: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        if let type = call.present("type")?.string, type != "tool_use" { return nil }
        let id = try AnthropicField.requiredString(call, "toolUseId")
        let name = try AnthropicField.requiredString(call, "name")
        let input = call.present("input")
        self.keepUnknown(call, known: ["toolUseId", "name", "input", "type"], path: "\(path).toolUse")
        return .toolCall(ToolCall(id: id, name: name, arguments: input.map { String(buffer: $0.raw) } ?? "{}"))
    }

    private mutating func toolResult(_ value: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        if let type = value.present("type")?.string, type != "tool_result" { return nil }
        var result = ToolResult(callID: try AnthropicField.requiredString(value, "toolUseId"), content: [])
        if let content = value.present("content") {
            do {
                result.content = try self.readContent(content, path: "\(path).toolResult.content")
            } catch {
                throw error.inside("content")
            }
        }
        if let status = try AnthropicField.string(value, "status") { result.isError = status == "error" }
        self.keepUnknown(value, known: ["toolUseId", "content", "status", "type"], path: "\(path).toolResult")
        return .toolResult(result)
    }

    // MARK: Reasoning, sources and guardrails

    /// Reads what a guardrail looks at; to a model it is a part like others.
    private mutating func guarded(_ value: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        let path = "\(path).guardContent"
        let part: ContentPart
        if let text = try AnthropicField.object(value, "text") {
            do {
                part = .text(TextPart(try AnthropicField.requiredString(text, "text")))
            } catch {
                throw error.inside("text")
            }
        } else if let image = try AnthropicField.object(value, "image"),
            let read = try self.image(image, path: path)
        {
            part = read
        } else {
            return nil
        }
        self.extensions.append(Extension(path, value.text))
        return part
    }

    private mutating func reasoning(_ value: JSONView, path: String) throws(AnthropicFieldError) -> ContentPart? {
        let path = "\(path).reasoningContent"
        self.keepUnknown(value, known: ["reasoningText", "redactedContent"], path: path)
        if let data = try AnthropicField.string(value, "redactedContent") {
            return .redactedReasoning(Base64State.read(data))
        }
        guard let text = try AnthropicField.object(value, "reasoningText") else { return nil }
        self.keepUnknown(text, known: ["text", "signature"], path: "\(path).reasoningText")
        let signature = try AnthropicField.string(text, "signature")
        return .reasoning(ReasoningPart(try AnthropicField.string(text, "text") ?? "", signature: signature))
    }

    private mutating func citations(_ value: JSONView, path: String) -> ContentPart? {
        var text = ""
        for piece in value.present("content")?.elements ?? value.elements {
            text += piece.present("text")?.string ?? ""
        }
        var part = TextPart(text)
        if let citations = value.present("citations"), citations.elements.contains(where: { _ in true }) {
            part.citations = citations.text
            part.citationDialect = .bedrockConverse
        }
        self.keepUnknown(value, known: ["content", "citations"], path: "\(path).citationsContent")
        return .text(part)
    }
}

extension ContentPart {
    /// Sets the part's cache marker.
    ///
    /// - Returns: `false` for parts that have no place for one.
    mutating func mark(_ marker: CacheMarker) -> Bool {
        switch self {
        case .text(var part):
            part.cacheMarker = marker
            self = .text(part)
        case .image(var part):
            part.cacheMarker = marker
            self = .image(part)
        case .document(var part):
            part.cacheMarker = marker
            self = .document(part)
        case .toolCall(var part):
            part.cacheMarker = marker
            self = .toolCall(part)
        case .toolResult(var part):
            part.cacheMarker = marker
            self = .toolResult(part)
        case .audio, .reasoning, .redactedReasoning, .refusal, .opaque: return false
        }
        return true
    }
}
