import NeedletailCore

/// What only a completion of plain text has. Its decoders keep these fields as extensions of the request.
enum CompletionFields {
    /// Fields without which something else would be asked: what follows the gap, raw prompts and templates, an earlier
    /// conversation, a reply that begins with its prompt, several prompts at once, a format (vLLM has one here).
    static let demanding: Set<String> = ["suffix", "raw", "template", "context", "echo", "prompt", "response_format"]

    /// Refuses a completion that the dialect of an upstream cannot be asked for.
    static func check(_ request: ChatRequest, for dialect: DialectID) throws(NeedletailError) {
        guard let source = request.source, source.completesText, source != dialect else { return }
        for field in request.extensions where Self.demanding.contains(field.path) {
            // Both dialects that complete text fill gaps.
            if field.path == "suffix", dialect.completesText { continue }
            throw NeedletailError(
                .unsupported,
                "\(field.path): Only an upstream that is asked in the dialect '\(source.rawValue)' can do this.",
                parameter: field.path)
        }
    }
}

extension DialectID {
    /// Whether it completes a text instead of continuing a conversation.
    var completesText: Bool { self == .ollamaGenerate || self == .openAICompletions }
}
