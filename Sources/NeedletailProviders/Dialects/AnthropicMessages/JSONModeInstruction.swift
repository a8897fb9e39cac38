import NeedletailCore

/// JSON without a schema, for upstreams that enforce schemas alone: the model is told to answer so.
enum JSONModeInstruction {
    /// What the model is told, after the client's own system prompt.
    static let text = """
        Your final answer must be one valid JSON object and nothing else: no text before or after it, and no code \
        fence around it.
        """

    /// Adds the instruction where `request` asks for JSON without a schema.
    static func add(to system: inout [TextPart], for request: ChatRequest, losses: inout [Loss]) {
        guard request.responseFormat == .jsonObject else { return }
        system.append(TextPart(self.text))
        losses.add(
            ModelField.responseFormat.name(in: request.source),
            "JSON without a schema is emulated by an instruction in the system prompt; nothing enforces it.")
    }
}
