import NeedletailCore

/// The conversation as Anthropic wants it: the leading system prompt apart, turns of one role joined, tool results at
/// the head of their turn, nothing empty.
struct AnthropicTurns {
    /// A turn.
    struct Turn {
        /// `user`, `assistant` or `system`.
        var role: ChatMessage.Role
        var content: [ContentPart]
    }

    /// The parts of the top-level `system`.
    var system: [TextPart] = []
    /// The turns.
    var turns: [Turn] = []

    /// Arranges the messages of `request`.
    ///
    /// - A system message after the first other message stays in place if the request is Anthropic's own; from another
    ///   dialect it becomes text of the user, which all models take, and a loss says so.
    /// - If nothing but a system prompt was sent, it becomes the user's turn, since Anthropic demands one.
    /// - JSON without a schema is asked for at the end of the system prompt.
    ///
    /// - Parameter dialect: The dialect that the turns are for: Anthropic's, or another with the same rules.
    init(
        _ request: ChatRequest, for dialect: DialectID = .anthropicMessages, losses: inout [Loss]
    ) throws(NeedletailError) {
        let source = request.source
        for message in request.messages {
            if message.name != nil {
                losses.add(AnthropicLossName.name(.messageName, in: source), "Speakers have no names.")
            }
            // A legacy result's name is how it is told which call it answers, which its id does here.
            if !request.usesLegacyFunctions, message.content.contains(where: Self.isNamedResult) {
                losses.add(AnthropicLossName.name(.messageName, in: source), "Results of tools have no names.")
            }
            let parts = Self.carried(message.content, source, dialect, &losses)
            guard !parts.isEmpty else { continue }
            switch message.role {
            case .system, .developer:
                if self.turns.isEmpty {
                    self.addSystem(parts, source, &losses)
                } else if source == dialect {
                    self.add(.system, parts)
                } else {
                    let name = AnthropicLossName.name(.systemMessage, in: source)
                    losses.add(name, "A system message inside the conversation was sent as the user's.")
                    self.add(.user, parts)
                }
            case .user, .tool: self.add(.user, parts)
            case .assistant: self.add(.assistant, parts)
            }
        }
        if self.turns.isEmpty, !self.system.isEmpty {
            let name = AnthropicLossName.name(.systemMessage, in: source)
            losses.add(name, "A system prompt alone was sent as the user's message.")
            self.turns = [Turn(role: .user, content: self.system.map { .text($0) })]
            self.system = []
        }
        guard !self.turns.isEmpty else {
            throw NeedletailError(
                .invalidRequest, "messages: at least one message with content is required", parameter: "messages")
        }
        JSONModeInstruction.add(to: &self.system, for: request, losses: &losses)
        for index in self.turns.indices where self.turns[index].role == .user {
            self.turns[index].content = Self.resultsFirst(self.turns[index].content)
        }
        self.trimPrefill(source, &losses)
    }

    private static func isNamedResult(_ part: ContentPart) -> Bool {
        guard case .toolResult(let result) = part else { return false }
        return result.name != nil
    }

    private mutating func addSystem(_ parts: [ContentPart], _ source: DialectID?, _ losses: inout [Loss]) {
        for part in parts {
            if case .text(let text) = part {
                self.system.append(text)
            } else {
                losses.add(AnthropicLossName.name(.opaquePart, in: source), "A system prompt holds text alone.")
            }
        }
    }

    private mutating func add(_ role: ChatMessage.Role, _ parts: [ContentPart]) {
        if let last = self.turns.indices.last, self.turns[last].role == role {
            self.turns[last].content += parts
        } else {
            self.turns.append(Turn(role: role, content: parts))
        }
    }

    private static func resultsFirst(_ parts: [ContentPart]) -> [ContentPart] {
        var results: [ContentPart] = []
        var rest: [ContentPart] = []
        for part in parts {
            if case .toolResult = part { results.append(part) } else { rest.append(part) }
        }
        return results.isEmpty ? parts : results + rest
    }

    /// Anthropic refuses a prefill that ends in white space.
    private mutating func trimPrefill(_ source: DialectID?, _ losses: inout [Loss]) {
        guard let last = self.turns.indices.last, self.turns[last].role == .assistant,
            case .text(var part) = self.turns[last].content.last, let end = part.text.last, end.isWhitespace
        else { return }
        while let end = part.text.last, end.isWhitespace { part.text.removeLast() }
        let count = self.turns[last].content.count
        self.turns[last].content[count - 1] = .text(part)
        losses.add(AnthropicLossName.name(.prefill, in: source), "White space at the end of a prefill was cut off.")
    }

    /// What of a message's parts can be said at all.
    private static func carried(
        _ parts: [ContentPart],
        _ source: DialectID?,
        _ dialect: DialectID,
        _ losses: inout [Loss]
    ) -> [ContentPart] {
        var carried: [ContentPart] = []
        carried.reserveCapacity(parts.count)
        for part in parts {
            switch part {
            // Anthropic refuses text that is empty or white space alone.
            case .text(let text) where text.text.allSatisfy(\.isWhitespace): continue
            case .refusal(let text) where text.allSatisfy(\.isWhitespace): continue
            case .refusal(let text):
                losses.add(AnthropicLossName.name(.refusal, in: source), "A refusal was sent as text.")
                carried.append(.text(TextPart(text)))
            // Of the models behind Bedrock, not all sign theirs.
            case .reasoning(let reasoning)
            where reasoning.signature == nil && (source != dialect || dialect == .anthropicMessages):
                let name = AnthropicLossName.name(.reasoningPart, in: source)
                losses.add(name, "Reasoning without the provider's signature is refused.")
            case .opaque(let opaque) where opaque.dialect != dialect:
                let name = AnthropicLossName.name(.opaquePart, in: source)
                losses.add(name, "A part of type \(opaque.type) has no counterpart.")
            default: carried.append(part)
            }
        }
        return carried
    }
}
