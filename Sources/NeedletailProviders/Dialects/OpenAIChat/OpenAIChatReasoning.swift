import NeedletailCore

/// The many ways in which servers show reasoning in a message; the same text stands in several of them.
enum OpenAIChatReasoning {
    /// The reasoning of a whole message, once: from `thinking_blocks` (LiteLLM), `reasoning_details` (OpenRouter),
    /// `reasoning_content` (DeepSeek, vLLM) or `reasoning` (Groq, Ollama), whichever says most.
    static func parts(_ message: JSONView) -> [ContentPart] {
        if let blocks = message.present("thinking_blocks") {
            let parts = self.blocks(blocks)
            if !parts.isEmpty { return parts }
        }
        if let details = message.present("reasoning_details") {
            let parts = self.details(details)
            if !parts.isEmpty { return parts }
        }
        if let text = self.text(message) { return [.reasoning(ReasoningPart(text))] }
        return []
    }

    /// The plain text; `nil` if there is none.
    static func text(_ message: JSONView) -> String? {
        if let text = message.present("reasoning_content")?.string, !text.isEmpty { return text }
        if let text = message.present("reasoning")?.string, !text.isEmpty { return text }
        return nil
    }

    /// `[{"type": "thinking", "thinking", "signature"}, {"type": "redacted_thinking", "data"}]`.
    static func blocks(_ blocks: JSONView) -> [ContentPart] {
        var parts: [ContentPart] = []
        for block in blocks.elements {
            switch block.present("type")?.string {
            case "thinking": parts.append(.reasoning(self.part(block)))
            case "redacted_thinking":
                if let data = block.present("data")?.string { parts.append(.redactedReasoning(data)) }
            default: break
            }
        }
        return parts
    }

    /// A part whose `thinking` is a string, or an array of text parts as Mistral has it.
    static func part(_ value: JSONView) -> ReasoningPart {
        var text = ""
        if let thinking = value.present("thinking") {
            if let string = thinking.string { text = string }
            for element in thinking.elements { text += element.present("text")?.string ?? "" }
        }
        var signature = value.present("signature")?.string
        if signature?.isEmpty == true { signature = nil }
        return ReasoningPart(text, signature: signature)
    }

    /// What is read of an element of OpenRouter's list.
    static func members(_ detail: JSONView) -> [StaticString] {
        let known: [StaticString] = ["type", "format", "index"]
        return switch detail.present("type")?.string {
        case "reasoning.text": known + (self.isAnthropic(detail) ? ["text", "signature"] : ["text"])
        case "reasoning.summary": known + ["summary"]
        case "reasoning.encrypted": known + (self.isAnthropic(detail) ? ["data"] : [])
        default: []
        }
    }

    /// OpenRouter's list. What is encrypted is kept only where it is Anthropic's, which alone takes it back.
    private static func details(_ details: JSONView) -> [ContentPart] {
        var parts: [ContentPart] = []
        for detail in details.elements {
            switch detail.present("type")?.string {
            case "reasoning.text":
                let signature = self.isAnthropic(detail) ? detail.present("signature")?.string : nil
                let text = detail.present("text")?.string ?? ""
                if !text.isEmpty || signature != nil {
                    parts.append(.reasoning(ReasoningPart(text, signature: signature)))
                }
            case "reasoning.summary":
                if let text = detail.present("summary")?.string { parts.append(.reasoning(ReasoningPart(text))) }
            case "reasoning.encrypted":
                if self.isAnthropic(detail), let data = detail.present("data")?.string {
                    parts.append(.redactedReasoning(data))
                }
            default: break
            }
        }
        return parts
    }

    /// Whether the detail's signature or data is one that an Anthropic model takes back.
    static func isAnthropic(_ detail: JSONView) -> Bool {
        detail.present("format")?.string?.utf8.starts(with: "anthropic-claude".utf8) ?? false
    }
}
