import NeedletailCore

/// What is read of replies, whole and streamed; all else is told as lost.
extension OpenAIChat {
    /// Of a chunk. `obfuscation` and Amazon's `p` are padding against those who measure the length of packets; what Groq
    /// says besides the usage in `x_groq` is the reply's id once more.
    private static let chunkMembers: [StaticString] = [
        "choices", "id", "model", "created", "object", "usage", "system_fingerprint", "service_tier", "obfuscation",
        "x_groq", "p",
    ]

    /// Cerebras's and llama.cpp's.
    static let timeMembers: [StaticString] = ["time_info", "timings"]

    /// What a choice holds that the model has a place for; the counters are read with the reply's.
    static let choiceMembers: [StaticString] = [
        "index", "delta", "message", "finish_reason", "stop_reason", "matched_stop", "logprobs", "usage",
        "obfuscation",
    ]

    /// The same of its message. Google's layer repeats the signature beside `extra_content`.
    static let messageMembers: [StaticString] = [
        "content", "role", "refusal", "audio", "annotations", "tool_calls", "function_call", "reasoning_content",
        "reasoning", "reasoning_details", "thinking_blocks", "extra_content", "thought_signature", "images",
    ]

    /// Names what nobody reads of a chunk.
    ///
    /// - Parameter hasSources: Whether pages are named beside the choices.
    static func look(atChunk root: JSONView, hasSources: Bool, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        // The times are read with the counters.
        let hasUsage = root.present("usage")?.kind == .object
        var known = self.chunkMembers
        if hasUsage { known += self.timeMembers }
        if hasSources { known += OpenAIChatSources.read(root) }
        unread.look(at: root, known: known, path: "")
        if let groq = root.present("x_groq") { unread.look(at: groq, known: ["id", "usage"], path: "x_groq") }
    }

    /// Names what nobody reads of a choice of a chunk.
    static func look(atChoice view: JSONView, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        unread.look(at: view, known: self.choiceMembers, path: "choices")
        let delta = view.present("delta")
        guard let message = delta ?? view.present("message") else { return }
        let path = delta == nil ? "choices.message" : "choices.delta"
        unread.look(at: message, known: self.messageMembers, path: path)
        // Most deltas are a piece of text, without parts.
        if message.holdsContainers { unread.add(self.unknownOfParts(message, path: path)) }
    }

    /// What nobody reads of the parts of a message: its content, reasoning, calls, images and sound.
    static func unknownOfParts(_ message: JSONView, path: String) -> [Extension] {
        var extensions: [Extension] = []
        func keep(_ key: StaticString, _ known: [StaticString], _ inner: [(StaticString, [StaticString])] = []) {
            guard let value = message.present(key) else { return }
            for entry in value.kind == .array ? Array(value.elements) : [value] where entry.kind == .object {
                extensions.keepUnknown(
                    entry, known: known + inner.map(\.0), path: "\(path).\(key)", ignoresEmptyArrays: true)
                for (name, known) in inner {
                    guard let value = entry.present(name), value.kind == .object else { continue }
                    extensions.keepUnknown(
                        value, known: known, path: "\(path).\(key).\(name)", ignoresEmptyArrays: true)
                }
            }
        }
        keep(
            "tool_calls", ["id", "type", "index", "extra_content", "thought_signature"],
            [("function", ["name", "arguments"]), ("custom", ["name", "input"])])
        keep("function_call", ["name", "arguments"])
        keep("audio", ["id", "data", "format", "transcript", "expires_at"])
        keep("images", ["type", "index"], [("image_url", ["url"])])
        keep("thinking_blocks", ["type", "thinking", "signature", "data"])
        for detail in (message.present("reasoning_details") ?? message).elements {
            extensions.keepUnknown(
                detail, known: OpenAIChatReasoningDetail.members(detail), path: "\(path).reasoning_details")
        }
        guard let content = message.present("content"), content.kind == .array else { return extensions }
        for part in content.elements where part.kind == .object {
            guard let known = OpenAIChatContent.members(part) else { continue }
            extensions.keepUnknown(part, known: known, path: "\(path).content", ignoresEmptyArrays: true)
        }
        return extensions
    }
}
