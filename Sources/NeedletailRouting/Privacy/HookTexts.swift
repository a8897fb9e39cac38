import NeedletailCore

/// Writes a request's texts down, for a hook.
struct TextCollector: TextVisitor {
    private(set) var texts: [HookCall.Text] = []

    mutating func visit(_ text: Span<UInt8>, at place: TextPlace) throws(NeedletailError) -> [TextEdit] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        for index in text.indices { bytes.append(text[index]) }
        self.texts.append(
            HookCall.Text(path: place.path, role: place.role, text: String(decoding: bytes, as: UTF8.self)))
        return []
    }
}

/// Puts whole texts in the place of others, by the order in which they were collected.
struct TextReplacer: TextVisitor {
    let replacements: [Int: String]
    private var number = 0

    init(replacements: [Int: String]) {
        self.replacements = replacements
    }

    mutating func visit(_ text: Span<UInt8>, at place: TextPlace) throws(NeedletailError) -> [TextEdit] {
        defer { self.number += 1 }
        return self.replacements[self.number].map { [TextEdit(range: 0..<text.count, replacement: $0)] } ?? []
    }
}

extension ChatResponse {
    /// What a hook is told of a reply.
    var hookTexts: [HookCall.Text] {
        self.choices.flatMap { choice in
            choice.content.compactMap { part in
                part.hookText.map {
                    HookCall.Text(path: "\(choice.index).\($0.kind)", role: "assistant", text: $0.text)
                }
            }
        }
    }

    /// Puts other texts in, by their place in ``hookTexts``.
    mutating func replaceHookTexts(_ texts: [Int: String]) {
        var number = 0
        for choice in self.choices.indices {
            for part in self.choices[choice].content.indices
            where self.choices[choice].content[part].hookText != nil {
                if let text = texts[number] { self.choices[choice].content[part].setHookText(text) }
                number += 1
            }
        }
    }
}

extension ContentPart {
    fileprivate var hookText: (kind: String, text: String)? {
        switch self {
        case .text(let part): ("text", part.text)
        case .refusal(let text): ("refusal", text)
        case .reasoning(let part): ("reasoning", part.text)
        case .toolCall(let call): ("tool_call.\(call.name)", call.arguments)
        case .image, .document, .audio, .toolResult, .redactedReasoning, .opaque: nil
        }
    }

    fileprivate mutating func setHookText(_ text: String) {
        switch self {
        case .text(var part):
            part.text = text
            // They would point into the text that was.
            part.citations = nil
            self = .text(part)
        case .refusal: self = .refusal(text)
        case .reasoning: self = .reasoning(ReasoningPart(text))
        case .toolCall(var call):
            call.arguments = text
            self = .toolCall(call)
        case .image, .document, .audio, .toolResult, .redactedReasoning, .opaque: break
        }
    }
}
