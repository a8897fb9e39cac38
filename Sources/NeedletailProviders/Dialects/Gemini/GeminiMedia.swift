import NeedletailCore

/// What stands in `inlineData` and `fileData`.
enum GeminiMedia {
    /// The part for media of a type.
    static func part(_ mediaType: String, data: String, title: String?) -> ContentPart {
        let data = GeminiSignature.standard(data)
        let kind = mediaType.lowercased()
        if kind.hasPrefix("image/") { return .image(ImagePart(.base64(mediaType: mediaType, data: data))) }
        if kind.hasPrefix("audio/") { return .audio(AudioPart(data: data, format: self.format(kind))) }
        return .document(DocumentPart(.base64(mediaType: mediaType, data: data), title: title))
    }

    /// The part for media at a URI.
    static func part(_ mediaType: String?, uri: String, title: String?) -> ContentPart {
        let isStored = uri.hasPrefix("gs://") || (uri.contains("googleapis.com/") && uri.contains("/files/"))
        let source: MediaSource = isStored ? .fileID(uri) : .url(uri)
        let kind = (mediaType ?? self.type(ofURL: uri) ?? "").lowercased()
        if kind.hasPrefix("image/") { return .image(ImagePart(source)) }
        return .document(DocumentPart(source, title: title))
    }

    /// OpenAI's name of a format of sound.
    private static func format(_ mediaType: String) -> String {
        let subtype = mediaType.dropFirst("audio/".count).prefix { $0 != ";" }
        switch subtype {
        case "mpeg", "mp3": return "mp3"
        case "wav", "x-wav", "wave", "vnd.wave": return "wav"
        default: return String(subtype)
        }
    }

    /// The media type of a format of sound.
    static func type(ofFormat format: String?) -> String {
        switch format {
        case "mp3": "audio/mp3"
        case "pcm16", "pcm": "audio/pcm"
        case let format?: format.contains("/") ? format : "audio/\(format)"
        case nil: "audio/wav"
        }
    }

    /// The type that a URL's path speaks of; Vertex does not fetch what it is not told the type of.
    static func type(ofURL url: String) -> String? {
        let path = url.prefix { $0 != "?" && $0 != "#" }
        guard let dot = path.lastIndex(of: ".") else { return nil }
        switch path[path.index(after: dot)...].lowercased() {
        case "png": return "image/png"
        case "jpg", "jpeg": return "image/jpeg"
        case "gif": return "image/gif"
        case "webp": return "image/webp"
        case "heic": return "image/heic"
        case "pdf": return "application/pdf"
        case "txt", "md": return "text/plain"
        case "html", "htm": return "text/html"
        case "csv": return "text/csv"
        case "json": return "application/json"
        case "mp4": return "video/mp4"
        case "mov": return "video/mov"
        case "webm": return "video/webm"
        case "mp3": return "audio/mp3"
        case "wav": return "audio/wav"
        default: return nil
        }
    }
}
