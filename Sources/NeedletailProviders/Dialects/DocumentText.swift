import NeedletailCore

/// Documents for upstreams that take text alone.
enum DocumentText {
    /// The document's text with its title before it; `nil` if it is no text or is somewhere else.
    static func text(_ document: DocumentPart) -> String? {
        guard let text = Self.content(document.source) else { return nil }
        return document.title.map { "\($0)\n\n\(text)" } ?? text
    }

    /// The text itself.
    static func content(_ source: MediaSource) -> String? {
        switch source {
        case .text(let text): text
        case .base64(let type, let data) where type.hasPrefix("text/"):
            Base64.decode(data).flatMap { String(validating: $0, as: UTF8.self) }
        case .base64, .url, .fileID: nil
        }
    }
}
