import NeedletailCore

/// The conversation as Google wants it: the leading system prompt apart, turns of one role joined, results of tools at
/// the head of their turn.
struct GeminiTurns {
    /// A turn.
    struct Turn {
        var isModel: Bool
        var content: [ContentPart]
    }

    /// The parts of `systemInstruction`.
    var system: [ContentPart] = []
    /// The turns.
    var turns: [Turn] = []
    /// The names of the calls, by id.
    var callNames: [String: String] = [:]

    /// Arranges the messages of `request`.
    ///
    /// A system message after the first other message becomes text of the user. A system prompt alone becomes the user's
    /// turn, since Google demands one. A message of which nothing can be carried is left out.
    ///
    /// - Throws: `.invalidRequest` if there is nothing to say.
    init(_ request: ChatRequest, losses: inout [Loss]) throws(NeedletailError) {
        for message in request.messages {
            if message.name != nil {
                losses.add(ModelField.messageName.name(in: request.source), "Speakers have no names.")
            }
            let parts = message.content.filter(Self.saysSomething)
            guard parts.contains(where: { GeminiContentWriter.loss(of: $0) == nil }) else {
                for loss in parts.compactMap(GeminiContentWriter.loss(of:)) {
                    losses.add(loss.field.name(in: request.source), loss.reason)
                }
                continue
            }
            for case .toolCall(let call) in parts { self.callNames[call.id] = call.name }
            switch message.role {
            case .system, .developer:
                if self.turns.isEmpty {
                    self.system += parts
                } else {
                    losses.add("messages.role", "A system message inside the conversation was sent as the user's.")
                    self.add(isModel: false, parts)
                }
            case .user, .tool: self.add(isModel: false, parts)
            case .assistant: self.add(isModel: true, parts)
            }
        }
        if self.turns.isEmpty, !self.system.isEmpty {
            losses.add("messages.role", "A system prompt alone was sent as the user's message.")
            self.turns = [Turn(isModel: false, content: self.system)]
            self.system = []
        }
        guard !self.turns.isEmpty else {
            let name = request.source == .gemini ? "contents" : "messages"
            throw NeedletailError(
                .invalidRequest, "\(name): at least one message with content is required", parameter: name)
        }
        for index in self.turns.indices where !self.turns[index].isModel {
            self.turns[index].content = Self.resultsFirst(self.turns[index].content)
        }
    }

    private mutating func add(isModel: Bool, _ parts: [ContentPart]) {
        if let last = self.turns.indices.last, self.turns[last].isModel == isModel {
            self.turns[last].content += parts
        } else {
            self.turns.append(Turn(isModel: isModel, content: parts))
        }
    }

    /// Google refuses a text part with nothing in it.
    private static func saysSomething(_ part: ContentPart) -> Bool {
        switch part {
        case .text(let part): !part.text.isEmpty
        case .refusal(let text): !text.isEmpty
        case .reasoning(let part): !part.text.isEmpty || part.signature != nil
        default: true
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
}
