import NeedletailCore

/// A conversation as one text, for upstreams that complete text.
///
/// One message of the user is the prompt as it stands. Anything longer becomes a transcript, each turn after its speaker's
/// name (`System:`, `User:`, `Assistant:`) with a blank line between, and `Assistant:` at the end. What a transcript cannot
/// say is refused: calls and results of tools.
struct PlainPrompt {
    /// The system prompt, where it has a place of its own.
    private(set) var system: String?
    /// The prompt.
    private(set) var text = ""
    /// The images, in order.
    private(set) var images: [ImagePart] = []
    private var turns: [(speaker: String, text: String)] = []

    /// Makes the prompt.
    ///
    /// - Parameter separatesSystem: Whether the system prompt has a place of its own.
    init(
        _ request: ChatRequest, separatesSystem: Bool, _ report: inout LossReport
    ) throws(NeedletailError) {
        for message in request.messages {
            let text = try self.text(of: message, &report)
            let isSystem = message.role == .system || message.role == .developer
            if isSystem, separatesSystem {
                self.system = self.system.map { "\($0)\n\n\(text)" } ?? text
                continue
            }
            let speaker = isSystem ? "System" : message.role == .assistant ? "Assistant" : "User"
            self.turns.append((speaker, text))
        }
        if self.turns.count <= 1, self.turns.first.map({ $0.speaker == "User" }) ?? true {
            self.text = self.turns.first?.text ?? ""
            return
        }
        report.lose(named: "messages.role", "The conversation is carried as one transcript.")
        self.text = self.turns.map { "\($0.speaker): \($0.text)" }.joined(separator: "\n\n")
        if self.turns.last?.speaker != "Assistant" { self.text += "\n\nAssistant:" }
    }

    private mutating func text(
        of message: ChatMessage, _ report: inout LossReport
    ) throws(NeedletailError) -> String {
        var texts: [String] = []
        for part in message.content {
            switch part {
            case .text(let part): texts.append(part.text)
            case .refusal(let text): texts.append(text)
            case .image(let image): self.images.append(image)
            case .document(let document):
                guard let text = DocumentText.text(document) else {
                    throw report.refusal(
                        ModelField.document.at(document.source), "A completion takes documents as text alone.")
                }
                report.lose(.document, "Carried as text.")
                texts.append(text)
            case .audio: throw report.refusal(.audio, "A completion takes no sound.")
            case .toolCall: throw report.refusal(.toolCall, "A completion knows no calls of tools.")
            case .toolResult: throw report.refusal(.toolResult, "A completion knows no results of tools.")
            case .reasoning: report.lose(.contentReasoning, "A transcript holds what was said.")
            case .redactedReasoning: report.lose(.contentRedacted, "A transcript holds what was said.")
            case .opaque: report.lose(.contentOpaque, "A part that only its own provider knows.")
            }
        }
        return texts.joined(separator: "\n")
    }
}
