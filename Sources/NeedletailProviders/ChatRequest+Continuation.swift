import NeedletailCore

extension ChatRequest {
    /// Asks for the rest of an answer of which the client has the beginning already.
    ///
    /// Claude goes on from a last turn of its own, byte by byte
    /// (<https://docs.anthropic.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response>), where it does not
    /// reason; since version 4.6 it refuses that. Everybody else is asked in words.
    mutating func goOn(from continuation: Continuation, _ model: String, in dialect: DialectID) {
        // Claude refuses a last turn that ends in white space. It says it again, and what it repeats is left out.
        let trimmed = continuation.text.lastIndex { !$0.isWhitespace }.map { String(continuation.text[...$0]) } ?? ""
        if let maximum = self.maxOutputTokens {
            // A limit on output must leave room for the reasoning that it includes.
            let least = 1 + (self.reasoning?.budgetTokens ?? 0)
            self.maxOutputTokens = min(
                maximum, max(least, maximum - TokenEstimate.count(text: continuation.text)))
        }
        guard !trimmed.isEmpty else { return }
        self.messages.append(ChatMessage(.assistant, trimmed))
        guard !self.takesPrefill(model, dialect) else { return }
        self.messages.append(ChatMessage(.user, Self.continuationInstruction))
    }

    private func takesPrefill(_ model: String, _ dialect: DialectID) -> Bool {
        guard dialect == .anthropicMessages || dialect == .bedrockConverse else { return false }
        guard self.reasoning == nil || self.reasoning?.mode == .disabled else { return false }
        guard let version = AnthropicModelVersion(model) else { return false }
        return !version.isAtLeast(4, 6)
    }

    /// What a model is told that cannot be made to go on from its own words.
    static let continuationInstruction = """
        The connection broke while you were answering: your last message above is what arrived of it. Continue that message \
        from exactly where it stops, beginning with the very next character. Do not repeat any of it, do not apologise and do \
        not mention the interruption.
        """
}
