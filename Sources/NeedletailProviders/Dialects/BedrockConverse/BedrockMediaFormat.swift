import NeedletailCore

/// Bedrock's names of formats, and the media types that go with them.
///
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>
enum BedrockMediaFormat {
    private static let images = [
        ("png", "image/png"), ("jpeg", "image/jpeg"), ("gif", "image/gif"), ("webp", "image/webp"),
    ]
    private static let documents = [
        ("pdf", "application/pdf"), ("csv", "text/csv"), ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("html", "text/html"), ("txt", "text/plain"), ("md", "text/markdown"),
    ]

    /// The media type of an image's format; one of a format to come is spelled after it.
    static func imageType(_ format: String) -> String {
        Self.images.first { $0.0 == format }?.1 ?? "image/\(format)"
    }

    /// The format of an image's media type; `nil` for one that Bedrock does not take.
    static func imageFormat(_ mediaType: String) -> String? {
        let type = Self.bare(mediaType)
        return type == "image/jpg" ? "jpeg" : Self.images.first { $0.1 == type }?.0
    }

    /// The media type of a document's format.
    static func documentType(_ format: String) -> String {
        Self.documents.first { $0.0 == format }?.1 ?? "application/\(format)"
    }

    /// The format of a document's media type; `nil` for one that Bedrock does not take. Other kinds of text are text.
    static func documentFormat(_ mediaType: String) -> String? {
        let type = Self.bare(mediaType)
        return Self.documents.first { $0.1 == type }?.0 ?? (type.hasPrefix("text/") ? "txt" : nil)
    }

    /// The format and data of an image of a reply; `nil` if it is somewhere else or of another format.
    static func image(_ image: ImagePart) -> (format: String, data: String)? {
        guard case .base64(let mediaType, let data) = image.source else { return nil }
        return Self.imageFormat(mediaType).map { ($0, data) }
    }

    /// Writes a block with an image.
    static func write(_ format: String, _ data: String, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("image")
        json.beginObject()
        json.member("format", format)
        Self.writeSource(data, &json)
        json.endObject()
        json.endObject()
    }

    static func writeSource(_ data: String, _ json: inout JSONWriter) {
        json.key("source")
        json.beginObject()
        json.member("bytes", data)
        json.endObject()
    }

    /// The type without its parameters.
    private static func bare(_ mediaType: String) -> String {
        String(mediaType.prefix(while: { $0 != ";" && $0 != " " })).lowercased()
    }
}
