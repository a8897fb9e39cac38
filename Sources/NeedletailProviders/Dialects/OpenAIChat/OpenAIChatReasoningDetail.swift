import NeedletailCore

/// An element of `reasoning_details`: reasoning as OpenRouter tells it and wants it back.
///
/// <https://openrouter.ai/docs/guides/best-practices/reasoning-tokens#preserving-reasoning-blocks>
enum OpenAIChatReasoningDetail {
    /// What can be read, perhaps signed.
    case text(ReasoningPart)
    /// What only its provider can read: the state of what was said before it, or of nothing that is shown.
    case seal(String)
    /// A block of Claude's that is not shown.
    case redacted(String)
    /// The thought signature of a call of Gemini's, or of the whole message.
    case signature(String, callID: String?)

    /// Whose words a detail is in.
    enum Format: String {
        case claude = "anthropic-claude-v1"
        case gemini = "google-gemini-v1"
        case responses = "openai-responses-v1"
        case grok = "xai-responses-v1"
        /// Of models whose reasoning is plain text.
        case unknown

        /// The format of an upstream's model, by what its name contains.
        init(model: String) {
            let name = model.lowercased()
            let marks: [(String, Format)] = [
                ("claude", .claude), ("gemini-", .gemini), ("grok", .grok), ("gpt-oss", .unknown),
                ("openai/", .responses),
                ("gpt-", .responses),
            ]
            self = marks.first { name.contains($0.0) }?.1 ?? .unknown
        }
    }

    /// `nil` for a type that nobody knows, and for one that says nothing.
    init?(_ detail: JSONView) {
        let signature = OpenAIChat.nonEmpty(detail["signature"])
        switch detail.present("type")?.string {
        case "reasoning.text":
            let text = detail.present("text")?.string ?? ""
            guard !text.isEmpty || signature != nil else { return nil }
            self = .text(ReasoningPart(text, signature: signature))
        case "reasoning.summary":
            guard let text = OpenAIChat.nonEmpty(detail["summary"]) else { return nil }
            self = .text(ReasoningPart(text))
        case "reasoning.encrypted":
            guard let data = OpenAIChat.nonEmpty(detail["data"]) else { return nil }
            // What has no format is Claude's; the number at a format's end may change.
            let format = detail.present("format")?.string ?? Format.claude.rawValue
            if format.hasPrefix("anthropic-") {
                self = .redacted(data)
            } else if format.hasPrefix("google-") {
                self = .signature(data, callID: OpenAIChat.nonEmpty(detail["id"]))
            } else {
                self = .seal(data)
            }
        default: return nil
        }
    }

    /// Whether a part of a message is a detail: the names of all types begin alike.
    static func isOne(_ type: String) -> Bool { type.utf8.starts(with: "reasoning.".utf8) }

    /// The details of a message or delta.
    static func list(_ message: JSONView) -> [Self] {
        guard let details = message.present("reasoning_details") else { return [] }
        return details.elements.compactMap(Self.init)
    }

    /// What is read of a detail.
    static func members(_ detail: JSONView) -> [StaticString] {
        let known: [StaticString] = ["type", "format", "index", "id"]
        return switch detail.present("type")?.string {
        case "reasoning.text": known + ["text", "signature"]
        case "reasoning.summary": known + ["summary"]
        case "reasoning.encrypted": known + ["data"]
        default: []
        }
    }

    /// What a whole message says, but for the signatures of Gemini's, which stand beside calls or text.
    static func parts(_ details: [Self]) -> [ContentPart] {
        var parts: [ContentPart] = []
        for detail in details {
            switch detail {
            case .text(let part): parts.append(.reasoning(part))
            case .redacted(let data): parts.append(.redactedReasoning(data))
            case .seal(let data):
                if case .reasoning(var part)? = parts.last, part.signature == nil {
                    part.signature = data
                    parts[parts.count - 1] = .reasoning(part)
                } else {
                    parts.append(.redactedReasoning(data))
                }
            case .signature: break
            }
        }
        return parts
    }
}
