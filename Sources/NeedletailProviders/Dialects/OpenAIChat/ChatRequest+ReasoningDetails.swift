import NeedletailCore

extension ChatRequest {
    /// Puts the reasoning of earlier turns in the words of an upstream that takes `reasoning_details`, so that they are
    /// written as they are.
    mutating func wordReasoningAsDetails(losses: inout [Loss]) {
        let format = OpenAIChatReasoningDetail.Format(model: self.model)
        var emptied: [Int] = []
        for index in self.messages.indices where self.messages[index].role == .assistant {
            let content = self.messages[index].content
            guard content.contains(where: \.isReasoning) else { continue }
            var writer = OpenAIChatReasoningDetailWriter(
                format: format, hasProof: content.contains(where: \.isProof))
            for (place, part) in content.enumerated() { writer.add(part, before: content.dropFirst(place + 1).first) }
            if writer.lacksProof {
                losses.add(
                    ModelField.contentReasoning.name(in: self.source),
                    "The model takes no reasoning back without its provider's proof.")
            }
            self.messages[index].content = writer.parts
            if writer.parts.isEmpty { emptied.append(index) }
        }
        for index in emptied.reversed() { self.messages.remove(at: index) }
    }
}

extension ContentPart {
    fileprivate var isReasoning: Bool {
        switch self {
        case .reasoning, .redactedReasoning: true
        default: false
        }
    }

    /// Whether it is what only the provider of the reasoning can have made.
    fileprivate var isProof: Bool {
        switch self {
        case .reasoning(let part): part.signature != nil
        case .redactedReasoning: true
        default: false
        }
    }
}

/// Writes the parts of one message, its reasoning in the words of ``OpenAIChatReasoningDetail``.
private struct OpenAIChatReasoningDetailWriter {
    let format: OpenAIChatReasoningDetail.Format
    /// Whether another part of the message proves its reasoning.
    let hasProof: Bool
    private(set) var parts: [ContentPart] = []
    /// Whether reasoning was left out that is not signed.
    private(set) var lacksProof = false
    private var count = 0

    init(format: OpenAIChatReasoningDetail.Format, hasProof: Bool) {
        self.format = format
        self.hasProof = hasProof
    }

    mutating func add(_ part: ContentPart, before next: ContentPart?) {
        switch part {
        case .reasoning(let value): self.reasoning(value, before: next)
        case .redactedReasoning(let data): self.encrypted(data)
        default: self.parts.append(part)
        }
    }

    private mutating func reasoning(_ part: ReasoningPart, before next: ContentPart?) {
        switch self.format {
        case .claude:
            guard part.signature != nil else {
                self.lacksProof = true
                return
            }
            self.text(part)
        case .unknown: self.text(part)
        case .gemini:
            if !part.text.isEmpty { self.text(ReasoningPart(part.text)) }
            guard let signature = part.signature else { return }
            if case .toolCall(let call)? = next {
                self.encrypted(signature, id: call.id)
            } else {
                self.encrypted(signature)
            }
        case .responses, .grok:
            // A summary is no part of what is proved.
            guard self.hasProof else {
                self.lacksProof = true
                return
            }
            if !part.text.isEmpty { self.detail("reasoning.summary") { $0.member("summary", part.text) } }
            if let signature = part.signature { self.encrypted(signature) }
        }
    }

    private mutating func text(_ part: ReasoningPart) {
        self.detail("reasoning.text") { json in
            json.member("text", part.text)
            json.member("signature", part.signature)
        }
    }

    private mutating func encrypted(_ data: String, id: String? = nil) {
        self.detail("reasoning.encrypted") { json in
            json.member("data", data)
            json.member("id", id)
        }
    }

    private mutating func detail(_ type: String, _ write: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        json.beginObject()
        json.member("type", type)
        write(&json)
        json.member("format", self.format.rawValue)
        json.member("index", self.count)
        json.endObject()
        self.count += 1
        self.parts.append(
            .opaque(OpaquePart(dialect: .openAIChat, type: type, json: JSONText(unchecked: json.bytes))))
    }
}
