import NeedletailCore

/// Images as Ollama has them: base64 without a media type, which other dialects must name.
enum OllamaImage {
    /// Where an image's data is; `data:` URLs, which some clients send, are taken apart.
    static func source(_ data: String) -> MediaSource {
        if case .base64(let type, let rest) = MediaSource.openAI(url: data) {
            return .base64(mediaType: type, data: rest)
        }
        return .base64(mediaType: Self.mediaType(data), data: data)
    }

    /// Told by how the data begins; PNG if it is none of the formats that models take.
    private static func mediaType(_ data: String) -> String {
        guard let bytes = Base64.decode(data, limit: 12) else { return "image/png" }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if bytes.starts(with: "GIF8".utf8) { return "image/gif" }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) { return "image/webp" }
        return "image/png"
    }
}
