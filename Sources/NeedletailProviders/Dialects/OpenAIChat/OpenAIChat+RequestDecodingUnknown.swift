import NeedletailCore

/// What is kept of the objects that a request is made of, so that the other dialect's encoder can name it.
extension OpenAIChatRequestDecoder {
    mutating func keepUnknown(_ object: JSONView, known: [StaticString], path: String) {
        self.request.extensions.keepUnknown(object, known: known, path: path, ignoresEmptyArrays: true)
    }

    /// A marker as users of LiteLLM and OpenRouter send it: `{"type": "ephemeral", "ttl": "1h"}`.
    ///
    /// - Parameter name: Its path without indices; `path` has them.
    mutating func cacheMarker(
        _ view: JSONView,
        _ path: @autoclosure () -> String,
        name: String
    ) throws(NeedletailError) -> CacheMarker {
        try OpenAIChatField.object(view, path())
        self.keepUnknown(view, known: ["type", "ttl"], path: name)
        return CacheMarker(lifetime: view.present("ttl")?.string)
    }

    /// Puts a marker on the last part of `content`; one that cannot stand there is kept as unknown.
    mutating func mark(_ content: inout [ContentPart], _ marker: CacheMarker, _ view: JSONView, name: String) {
        if !Self.mark(&content, marker) { self.keep(name, view) }
    }

    /// Keeps what ``OpenAIChatReasoning`` has no place for.
    mutating func keepUnknownReasoning(_ message: JSONView) {
        if let blocks = message.present("thinking_blocks") {
            for block in blocks.elements { self.keepUnknownBlock(block, path: "messages.thinking_blocks") }
        }
        guard let details = message.present("reasoning_details") else { return }
        let path = "messages.reasoning_details"
        for detail in details.elements {
            self.keepUnknown(detail, known: OpenAIChatReasoningDetail.members(detail), path: path)
        }
    }

    /// Keeps what a block of reasoning holds besides its text and signature.
    mutating func keepUnknownBlock(_ block: JSONView, path: String) {
        switch block.present("type")?.string {
        case "thinking":
            self.keepUnknown(block, known: ["type", "thinking", "signature", "index"], path: path)
            guard let thinking = block.present("thinking") else { return }
            for element in thinking.elements {
                self.keepUnknown(element, known: ["type", "text"], path: "\(path).thinking")
            }
        case "redacted_thinking": self.keepUnknown(block, known: ["type", "data", "index"], path: path)
        default: self.keepUnknown(block, known: [], path: path)
        }
    }
}
