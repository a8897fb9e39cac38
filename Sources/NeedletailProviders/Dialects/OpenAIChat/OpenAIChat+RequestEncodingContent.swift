import NeedletailCore

extension OpenAIChatRequestEncoder {
    /// Writes a part of a message of the user, the system or (in arrays) the assistant.
    mutating func part(
        _ part: ContentPart,
        _ role: ChatMessage.Role,
        into json: inout JSONWriter
    ) throws(NeedletailError) {
        switch part {
        case .text(let text):
            json.beginObject()
            json.member("type", "text")
            json.member("text", text.text)
            self.marker(text.cacheMarker, role, into: &json)
            json.endObject()
            if text.citations != nil { self.lose(.contentCitations, "messages carry no citations") }
        case .image(let image): try self.image(image, role, into: &json)
        case .document(let document): try self.document(document, role, into: &json)
        case .audio(let audio):
            json.beginObject()
            json.member("type", "input_audio")
            json.key("input_audio")
            json.beginObject()
            json.member("data", audio.data)
            json.member("format", audio.format ?? "wav")
            json.endObject()
            json.endObject()
        case .refusal(let text):
            json.beginObject()
            json.member("type", "refusal")
            json.member("refusal", text)
            json.endObject()
        case .opaque(let opaque):
            if opaque.dialect == .openAIChat {
                json.raw(opaque.json)
            } else {
                self.lose(.contentOpaque, "a part that only its own provider knows: \(opaque.type)")
            }
        case .reasoning: self.lose(.contentReasoning, "reasoning belongs to the assistant")
        case .redactedReasoning: self.lose(.contentRedacted, "reasoning belongs to the assistant")
        case .toolCall, .toolResult: self.lose(.contentOpaque, "calls and results of tools have their own messages")
        }
    }

    private mutating func marker(_ marker: CacheMarker?, _ role: ChatMessage.Role, into json: inout JSONWriter) {
        guard let marker else { return }
        if self.isOwn {
            Self.cacheControl(marker, into: &json)
        } else {
            self.loseContentMarker(role == .system || role == .developer ? .systemCacheMarker : .contentCacheMarker)
        }
    }

    private func unsupported(_ field: ModelField, _ message: String) -> NeedletailError {
        NeedletailError(.unsupported, message, parameter: field.name(in: self.request.source))
    }

    private mutating func image(
        _ image: ImagePart,
        _ role: ChatMessage.Role,
        into json: inout JSONWriter
    ) throws(NeedletailError) {
        let url: String
        switch image.source {
        case .base64(let mediaType, let data): url = "data:\(mediaType);base64,\(data)"
        case .url(let given): url = given
        case .fileID: throw self.unsupported(.fileID, "Chat completions take no image by the id of a file.")
        case .text: throw self.unsupported(.image, "An image cannot be text.")
        }
        json.beginObject()
        json.member("type", "image_url")
        json.key("image_url")
        json.beginObject()
        json.member("url", url)
        json.member("detail", image.detail)
        json.endObject()
        self.marker(image.cacheMarker, role, into: &json)
        json.endObject()
    }

    /// Documents in base64 and by OpenAI's own file ids are files; text becomes a text part with its title before it, in
    /// base64 too, since files are PDF: <https://platform.openai.com/docs/guides/pdf-files>.
    private mutating func document(
        _ document: DocumentPart,
        _ role: ChatMessage.Role,
        into json: inout JSONWriter
    ) throws(NeedletailError) {
        if document.context != nil { self.lose(.documentContext, "files carry no context") }
        if document.citationsEnabled == true { self.lose(.documentCitations, "files cannot be cited") }
        json.beginObject()
        switch document.source {
        case let source where !self.isOwn && DocumentText.content(source) != nil:
            json.member("type", "text")
            json.member("text", DocumentText.text(document))
            self.lose(.document, "carried as text")
        case .base64(let mediaType, let data):
            json.member("type", "file")
            json.key("file")
            json.beginObject()
            json.member("filename", document.title ?? Self.fileName(mediaType))
            json.member("file_data", "data:\(mediaType);base64,\(data)")
            json.endObject()
        case .fileID(let id):
            guard self.isOwn || self.request.source == nil else {
                throw self.unsupported(.fileID, "The id of a file at one provider means nothing to another.")
            }
            json.member("type", "file")
            json.key("file")
            json.beginObject()
            json.member("file_id", id)
            json.member("filename", document.title)
            json.endObject()
        case .text(let text):
            json.member("type", "text")
            json.member("text", document.title.map { "\($0)\n\n\(text)" } ?? text)
            self.lose(.document, "carried as text")
        case .url:
            throw self.unsupported(.documentURL, "Chat completions take no document by its URL.")
        }
        self.marker(document.cacheMarker, role, into: &json)
        json.endObject()
    }

    private static func fileName(_ mediaType: String) -> String {
        mediaType == "application/pdf" ? "document.pdf" : "document"
    }
}
