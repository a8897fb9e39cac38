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
        var details = OpenAIChatReasoningDetail.list(message)
        let hasText = details.contains { if case .text = $0 { true } else { false } }
        if !hasText, let text = self.text(message) { details.insert(.text(ReasoningPart(text)), at: 0) }
        return OpenAIChatReasoningDetail.parts(details)
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

    /// A part of Databricks', with each text and its signature in `summary`:
    /// <https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models>
    static func summary(_ value: JSONView) -> [ReasoningPart] {
        guard let summary = value.present("summary") else { return [] }
        return summary.elements.compactMap { element in
            let text = element.present("text")?.string ?? ""
            let signature = OpenAIChat.nonEmpty(element["signature"])
            return text.isEmpty && signature == nil ? nil : ReasoningPart(text, signature: signature)
        }
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
}
