import NeedletailCore

extension MockAnswer {
    /// Makes the answer to `prompt`: what `reply` says, and for the rest what a model could have said.
    static func compose(
        _ prompt: MockPrompt,
        reply: MockScriptedReply,
        fault: MockFault?,
        usage: MockUsage?,
        random: MockRandom
    ) -> MockAnswer {
        var random = random
        let id = random.hex()
        let created = 1_700_000_000 + Int64(random.below(10_000_000))
        let choices = (0..<max(1, min(prompt.choices, 128))).map { _ -> Choice in
            var composer = Composer(
                prompt: prompt, reply: reply, fault: fault, random: MockRandom(seed: random.next()))
            return composer.choice()
        }
        return MockAnswer(
            id: id,
            model: prompt.model,
            created: created,
            choices: choices,
            usage: usage ?? Self.count(choices, prompt),
            includesUsage: prompt.includesUsage,
            usesLegacyFunctions: prompt.usesLegacyFunctions
        )
    }

    private static func count(_ choices: [Choice], _ prompt: MockPrompt) -> MockUsage {
        var usage = MockUsage(input: prompt.inputTokens, output: 0)
        for part in choices.flatMap(\.parts) {
            usage.output += part.text.tokenCount
            if case .reasoning(let text, _, _) = part { usage.reasoning += text.tokenCount }
        }
        return usage
    }
}

/// Makes one choice of an answer.
private struct Composer {
    let prompt: MockPrompt
    let reply: MockScriptedReply
    let fault: MockFault?
    var random: MockRandom

    mutating func choice() -> MockAnswer.Choice {
        // Only what the mock makes up is cut; what a script says is said.
        var budget = self.prompt.maximumTokens ?? .max
        var parts: [MockAnswer.Part] = []
        if let reasoning = self.reasoning() {
            let text = self.cut(reasoning, to: &budget, isScripted: self.reply.reasoning != nil)
            let signature = self.prompt.signer.sign(self.prompt.hidesThinking ? "" : text.string)
            parts.append(.reasoning(text, signature: signature, isHidden: self.prompt.hidesThinking))
        }
        let calls = self.toolCalls()
        var stop = MockAnswer.Stop.end
        if calls.isEmpty || self.reply.text != nil {
            let (text, textStop) = self.text(&budget)
            if let text { parts.append(.text(text)) }
            stop = textStop
        }
        for call in calls {
            guard case .toolCall(_, _, let arguments, _) = call else { continue }
            if self.reply.toolCalls.isEmpty {
                guard arguments.tokenCount <= budget else {
                    stop = .length
                    break
                }
                budget -= arguments.tokenCount
            }
            parts.append(call)
            stop = .toolCalls
        }
        return MockAnswer.Choice(parts: parts, stop: stop)
    }

    // MARK: Reasoning

    private mutating func reasoning() -> String? {
        if let reasoning = self.reply.reasoning { return reasoning }
        guard self.prompt.isThinking || self.fault?.place == .thinking else { return nil }
        return "The mock pretends to think: " + MockText.sentence(words: 8, seed: self.random.next()) + "."
    }

    private func cut(_ text: String, to budget: inout Int, isScripted: Bool) -> MockText {
        guard !isScripted else { return MockText(text, minimum: 2) }
        let tokens = MockText.tokens(of: text).prefix(max(1, budget / 2))
        budget -= min(budget, tokens.count)
        return MockText(tokens.joined(), minimum: 2)
    }

    // MARK: Text

    private mutating func text(_ budget: inout Int) -> (MockText?, MockAnswer.Stop) {
        if let text = self.reply.text { return self.finish(text, budget: nil) }
        if let chunks = self.reply.chunks, case .text = self.prompt.output {
            return (MockText(words: chunks, seed: self.random.next()), .end)
        }
        let text =
            switch self.prompt.output {
            case .text: self.sentence()
            case .object: #"{"mock":true,"answer":"no model was asked"}"#
            case .schema(let schema): MockSchemaFiller.fill(schema)
            }
        return self.finish(text, budget: budget)
    }

    /// Ends the text at the first stop sequence and at the last token that may be spent.
    private func finish(_ text: String, budget: Int?) -> (MockText?, MockAnswer.Stop) {
        var stop = MockAnswer.Stop.end
        var text = text
        var earliest: (end: String.Index, sequence: String)?
        for sequence in self.prompt.stopSequences {
            guard let index = Self.firstIndex(of: sequence, in: text), index < earliest?.end ?? text.endIndex else {
                continue
            }
            earliest = (index, sequence)
        }
        if let earliest {
            text = String(text[..<earliest.end])
            stop = .sequence(earliest.sequence)
        }
        if let budget {
            let tokens = MockText.tokens(of: text)
            if tokens.count > budget {
                text = tokens.prefix(budget).joined()
                stop = .length
            }
        }
        guard !text.isEmpty else { return (nil, stop) }
        let minimum = if case .chunk(let number) = self.fault?.place, self.reply.chunks == nil { number } else { 1 }
        return (MockText(text, fragments: self.reply.chunks, minimum: minimum), stop)
    }

    private static func firstIndex(of needle: String, in text: String) -> String.Index? {
        guard !needle.isEmpty else { return nil }
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(needle) { return index }
            index = text.index(after: index)
        }
        return nil
    }

    private mutating func sentence() -> String {
        var text = "This is a mock answer; no model was asked."
        let said = String(self.prompt.lastText.prefix(80)).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if self.prompt.answersTools {
            text += " The tools said: \(said)."
        } else if !said.isEmpty {
            text += " You said: \(said)."
        }
        if self.prompt.imageCount > 0 { text += " Images received: \(self.prompt.imageCount)." }
        if self.prompt.documentCount > 0 { text += " Documents received: \(self.prompt.documentCount)." }
        return text + " And so " + MockText.sentence(words: 6 + self.random.below(12), seed: self.random.next()) + "."
    }

    // MARK: Tools

    private mutating func toolCalls() -> [MockAnswer.Part] {
        guard self.reply.toolCalls.isEmpty else {
            return self.reply.toolCalls.map { call in
                let tool = self.prompt.tools.first { $0.name == call.name }
                let id = call.id.isEmpty ? "mock_\(self.random.hex())" : call.id
                return self.part(id, call.name, call.arguments, isCustom: tool?.isCustom ?? false)
            }
        }
        guard let tool = self.demandedTool() else { return [] }
        let arguments = tool.isCustom ? "mock input" : MockSchemaFiller.fill(tool.schema)
        return [self.part("mock_\(self.random.hex())", tool.name, arguments, isCustom: tool.isCustom)]
    }

    private func demandedTool() -> MockPrompt.Tool? {
        switch self.prompt.toolChoice {
        case .named(let name):
            return self.prompt.tools.first { $0.name == name } ?? MockPrompt.Tool(name: name)
        case .required:
            return self.prompt.tools.first
        case .auto, .none:
            // A fault inside a call needs one.
            guard self.fault?.place == .toolArguments else { return nil }
            return self.prompt.tools.first ?? MockPrompt.Tool(name: "mock_tool")
        }
    }

    private func part(_ id: String, _ name: String, _ arguments: String, isCustom: Bool) -> MockAnswer.Part {
        let fragments = self.reply.text == nil ? self.reply.chunks : nil
        let text = MockText(arguments, fragments: fragments, minimum: 2)
        return .toolCall(id: id, name: name, arguments: text, isCustom: isCustom)
    }
}
