import NeedletailCore

extension OpenAIChatRequestDecoder {
    mutating func content(_ value: JSONView, _ path: String) throws(NeedletailError) -> [ContentPart] {
        if let string = value.string { return [.text(TextPart(string))] }
        guard value.kind == .array else {
            throw OpenAIChatField.wrongType(path, "one of a string or array of objects", value)
        }
        var parts: [ContentPart] = []
        for (index, part) in value.elements.enumerated() {
            if let string = part.string {
                parts.append(.text(TextPart(string)))
            } else {
                parts.append(try self.part(part, "\(path)[\(index)]"))
            }
        }
        return parts
    }

    private mutating func part(_ value: JSONView, _ path: String) throws(NeedletailError) -> ContentPart {
        try OpenAIChatField.object(value, path)
        let given = try OpenAIChatField.required(value, "type", path)
        let type = try OpenAIChatField.string(given, "\(path).type")
        var part: ContentPart
        var known: [StaticString] = ["type", "cache_control"]
        switch type {
        case "text", "input_text", "output_text":
            known.append("text")
            let text = try OpenAIChatField.required(value, "text", path)
            part = .text(TextPart(try OpenAIChatField.string(text, "\(path).text")))
        case "image_url":
            known.append("image_url")
            if value.present("image_url")?.kind == .string { known.append("detail") }
            part = .image(try self.image(value, path))
        case "input_audio":
            let audio = try OpenAIChatField.required(value, "input_audio", path)
            let data = try OpenAIChatField.required(audio, "data", "\(path).input_audio")
            known.append("input_audio")
            self.keepUnknown(audio, known: ["data", "format"], path: "messages.content.input_audio")
            part = .audio(
                AudioPart(
                    data: try OpenAIChatField.string(data, "\(path).input_audio.data"),
                    format: audio.present("format")?.string
                )
            )
        case "file":
            known.append("file")
            part = .document(try self.file(value, path))
        case "refusal":
            known.append("refusal")
            let refusal = try OpenAIChatField.required(value, "refusal", path)
            part = .refusal(try OpenAIChatField.string(refusal, "\(path).refusal"))
        case "thinking":
            self.keepUnknownBlock(value, path: "messages.content")
            return .reasoning(OpenAIChatReasoning.part(value))
        default:
            return .opaque(OpaquePart(dialect: .openAIChat, type: type, json: value.text))
        }
        if let control = value.present("cache_control") {
            let name = "messages.content.cache_control"
            let marker = try self.cacheMarker(control, "\(path).cache_control", name: name)
            var one = [part]
            self.mark(&one, marker, control, name: name)
            part = one[0]
        }
        self.keepUnknown(value, known: known, path: "messages.content")
        return part
    }

    private mutating func image(_ value: JSONView, _ path: String) throws(NeedletailError) -> ImagePart {
        let image = try OpenAIChatField.required(value, "image_url", path)
        if let url = image.string { return ImagePart(.openAI(url: url), detail: value.present("detail")?.string) }
        guard image.kind == .object else {
            throw OpenAIChatField.wrongType("\(path).image_url", "an object", image)
        }
        let url = try OpenAIChatField.required(image, "url", "\(path).image_url")
        var part = ImagePart(.openAI(url: try OpenAIChatField.string(url, "\(path).image_url.url")))
        for member in image.members where !member.value.isNull {
            switch member.key {
            case "url": break
            case "detail": part.detail = try OpenAIChatField.string(member.value, "\(path).image_url.detail")
            default: self.keep("messages.content.image_url.\(member.key)", member.value)
            }
        }
        return part
    }

    private mutating func file(_ value: JSONView, _ path: String) throws(NeedletailError) -> DocumentPart {
        let file = try OpenAIChatField.required(value, "file", path)
        try OpenAIChatField.object(file, "\(path).file")
        var part: DocumentPart
        if let data = file.present("file_data") {
            let string = try OpenAIChatField.string(data, "\(path).file.file_data")
            let source = MediaSource.openAI(url: string)
            if case .url(let url) = source, !url.contains(":") {
                part = DocumentPart(.base64(mediaType: "application/pdf", data: string))
            } else {
                part = DocumentPart(source)
            }
        } else if let id = file.present("file_id") {
            part = DocumentPart(.fileID(try OpenAIChatField.string(id, "\(path).file.file_id")))
        } else {
            throw OpenAIChatField.missing("\(path).file.file_data")
        }
        for member in file.members where !member.value.isNull {
            switch member.key {
            case "file_data": break
            case "file_id":
                if file.present("file_data") != nil { self.keep("messages.content.file.file_id", member.value) }
            case "filename": part.title = try OpenAIChatField.string(member.value, "\(path).file.filename")
            default: self.keep("messages.content.file.\(member.key)", member.value)
            }
        }
        return part
    }
}
