import NeedletailCore

/// Writes parts of requests.
struct GeminiContentWriter {
    private let source: DialectID?
    private let version: GeminiModelVersion
    private let callNames: [String: String]
    /// What could not be carried.
    var losses: [Loss] = []

    /// Google's way to say that a call comes from elsewhere and so has no signature:
    /// <https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>.
    static let foreignCallSignature = "skip_thought_signature_validator"

    init(_ request: ChatRequest, callNames: [String: String]) {
        self.source = request.source
        self.version = GeminiModelVersion(request.model)
        self.callNames = callNames
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.source), reason)
    }

    private func unsupported(_ field: ModelField, _ reason: String) -> NeedletailError {
        let name = field.name(in: self.source)
        return NeedletailError(.unsupported, "\(name): \(reason)", parameter: name)
    }

    /// Writes the parts of a turn.
    mutating func write(_ turn: GeminiTurns.Turn, _ json: inout JSONWriter) throws(NeedletailError) {
        let parts = turn.content
        var callSignature: String?
        var hasCall = false
        var media: [ContentPart] = []
        var index = 0
        while index < parts.count {
            let part = parts[index]
            index += 1
            switch part {
            case .reasoning(let part) where part.text.isEmpty && turn.isModel:
                if index < parts.count, case .toolCall = parts[index] {
                    callSignature = part.signature
                } else {
                    self.text("", isThought: false, part.signature, &json)
                }
            case .reasoning(let part) where turn.isModel && self.belongsToCall(part, before: index, in: parts):
                callSignature = part.signature
                self.text(part.text, isThought: true, nil, &json)
            case .toolCall(let call):
                if callSignature == nil, !hasCall, self.version.demandsSignatures, self.source != .gemini {
                    callSignature = Self.foreignCallSignature
                }
                hasCall = true
                try self.call(call, callSignature, &json)
                callSignature = nil
            case .toolResult(let result): self.result(result, &media, &json)
            default:
                // Media of results follow them before anything else is said.
                for part in media { try self.plain(part, nil, &json) }
                media = []
                let signature = Self.signature(after: index, in: parts)
                if signature != nil { index += 1 }
                try self.plain(part, turn.isModel ? signature : nil, &json)
            }
        }
        for part in media { try self.plain(part, nil, &json) }
    }

    /// Whether the signature of reasoning is the call's after it. Google signs the call and never the thought, which other
    /// dialects have no place for but beside the thought.
    private func belongsToCall(_ part: ReasoningPart, before index: Int, in parts: [ContentPart]) -> Bool {
        guard self.source != .gemini, part.signature != nil, index < parts.count, case .toolCall = parts[index] else {
            return false
        }
        return true
    }

    /// The signature that stands alone at `index` and does not belong to a call after it.
    private static func signature(after index: Int, in parts: [ContentPart]) -> String? {
        guard index < parts.count, case .reasoning(let part) = parts[index], part.text.isEmpty else { return nil }
        if index + 1 < parts.count, case .toolCall = parts[index + 1] { return nil }
        return part.signature
    }

    /// Writes a part that is neither call nor result.
    mutating func plain(
        _ part: ContentPart, _ signature: String?, _ json: inout JSONWriter
    ) throws(NeedletailError) {
        if let loss = Self.loss(of: part) { return self.lose(loss.field, loss.reason) }
        switch part {
        case .text(let part):
            if part.cacheMarker != nil { self.loseMarker() }
            if part.citations != nil { self.lose(.contentCitations, "Messages carry no citations.") }
            self.text(part.text, isThought: false, signature, &json)
        case .refusal(let text):
            self.lose(.contentRefusal, "A refusal was sent as text.")
            self.text(text, isThought: false, signature, &json)
        case .reasoning(let part): self.text(part.text, isThought: true, part.signature, &json)
        case .image(let part):
            if part.cacheMarker != nil { self.loseMarker() }
            if let detail = part.detail, detail != "auto" {
                self.lose(.imageDetail, "How closely to look is told for the whole request.")
            }
            try self.media(part.source, .image, "image/jpeg", signature, &json)
        case .document(let part):
            if part.cacheMarker != nil { self.loseMarker() }
            if part.title != nil { self.lose(.documentTitle, "Documents have no titles.") }
            if part.context != nil { self.lose(.documentContext, "Documents have no context.") }
            if part.citationsEnabled == true { self.lose(.documentCitations, "Documents are not cited.") }
            try self.media(part.source, .document, "application/pdf", signature, &json)
        case .audio(let part):
            guard !part.data.isEmpty else {
                throw self.unsupported(.audio, "Sound stored at another provider cannot be heard by this one.")
            }
            let type = GeminiMedia.type(ofFormat: part.format)
            try self.media(.base64(mediaType: type, data: part.data), .audio, type, signature, &json)
        case .opaque(let part): json.raw(part.json)
        case .redactedReasoning: break  // always lost
        case .toolCall, .toolResult: break  // they have their own ways
        }
    }

    /// Why a part has no place in Google's requests; `nil` if it has one.
    static func loss(of part: ContentPart) -> (field: ModelField, reason: String)? {
        switch part {
        case .redactedReasoning: (.contentRedacted, "Only its own provider can read it.")
        case .opaque(let part) where part.dialect != .gemini:
            (.contentOpaque, "A part of type \(part.type) has no counterpart.")
        default: nil
        }
    }

    private mutating func loseMarker() {
        self.lose(.contentCacheMarker, "Google caches prompts by itself.")
    }

    private func text(_ text: String, isThought: Bool, _ signature: String?, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("text", text)
        if isThought { json.member("thought", true) }
        json.member("thoughtSignature", signature)
        json.endObject()
    }

    // MARK: Media

    private func media(
        _ source: MediaSource, _ field: ModelField, _ type: String, _ signature: String?, _ json: inout JSONWriter
    ) throws(NeedletailError) {
        json.beginObject()
        switch source {
        case .base64(let mediaType, let data): Self.inline(mediaType, data, &json)
        case .text(let text): json.member("text", text)
        case .fileID(let id):
            guard self.source == .gemini || self.source == nil else {
                throw self.unsupported(.fileID, "A file stored at another provider cannot be read by this one.")
            }
            Self.file(id, type, &json)
        case .url(let url):
            if url.hasPrefix("data:") {
                guard let comma = url.firstIndex(of: ","), url[..<comma].hasSuffix(";base64") else {
                    throw self.unsupported(field, "A data URL must be in base64.")
                }
                let mediaType = url[..<comma].dropFirst("data:".count).prefix { $0 != ";" }
                Self.inline(String(mediaType), String(url[url.index(after: comma)...]), &json)
            } else {
                Self.file(url, type, &json)
            }
        }
        json.member("thoughtSignature", signature)
        json.endObject()
    }

    private static func inline(_ mediaType: String, _ data: String, _ json: inout JSONWriter) {
        json.key("inlineData")
        json.beginObject()
        json.member("mimeType", mediaType)
        json.member("data", data)
        json.endObject()
    }

    private static func file(_ uri: String, _ type: String, _ json: inout JSONWriter) {
        json.key("fileData")
        json.beginObject()
        json.member("mimeType", GeminiMedia.type(ofURL: uri) ?? type)
        json.member("fileUri", uri)
        json.endObject()
    }

    // MARK: Tools

    private mutating func call(
        _ call: ToolCall, _ signature: String?, _ json: inout JSONWriter
    ) throws(NeedletailError) {
        if call.cacheMarker != nil { self.loseMarker() }
        json.beginObject()
        json.key("functionCall")
        json.beginObject()
        if !call.id.isEmpty { json.member("id", call.id) }
        json.member("name", call.name)
        json.key("args")
        if call.isCustom {
            self.lose(.toolCallCustom, "A call with free text was sent as {\"input\": …}.")
            json.beginObject()
            json.member("input", call.arguments)
            json.endObject()
        } else if let arguments = ToolArguments.object(call.arguments) {
            json.raw(arguments)
        } else {
            let name = ModelField.toolCallCustom.name(in: self.source)
            throw NeedletailError(
                .invalidRequest, "\(name): the arguments of a call must be a JSON object", parameter: name)
        }
        json.endObject()
        json.member("thoughtSignature", signature)
        json.endObject()
    }

    /// A result is an object: a JSON object as it is, all else under the keys that Google's documentation names.
    private mutating func result(
        _ result: ToolResult, _ media: inout [ContentPart], _ json: inout JSONWriter
    ) {
        if result.cacheMarker != nil { self.loseMarker() }
        var texts: [String] = []
        var others: [ContentPart] = []
        for part in result.content {
            switch part {
            case .text(let part):
                if part.cacheMarker != nil { self.loseMarker() }
                texts.append(part.text)
            case .document(let part):
                if case .text(let text) = part.source { texts.append(text) } else { others.append(.document(part)) }
            case .image, .audio: others.append(part)
            case .opaque(let part) where part.dialect == .gemini: others.append(.opaque(part))
            default: self.lose(.toolResultContent, "A part that only its own provider knows.")
            }
        }
        let text = texts.joined(separator: "\n")
        json.beginObject()
        json.key("functionResponse")
        json.beginObject()
        if !result.callID.isEmpty { json.member("id", result.callID) }
        json.member("name", self.callNames[result.callID] ?? result.name ?? result.callID)
        json.key("response")
        if result.isError != true, let object = ToolArguments.plainObject(text) {
            json.raw(object)
        } else {
            json.beginObject()
            json.member(result.isError == true ? "error" : "output", text)
            json.endObject()
        }
        json.endObject()
        json.endObject()
        guard !others.isEmpty else { return }
        self.lose(.toolResultContent, "Images and documents of a tool's result follow it.")
        media += others
    }
}
