extension ChatResponse {
    /// The reply as the events of a stream, in the order that every encoder relies on; `nil` where a part of it (a
    /// document, sound) has no event.
    public func events() -> [ChatEvent]? {
        var start = StreamStart(id: self.id, model: self.model, created: self.created)
        start.systemFingerprint = self.systemFingerprint
        start.serviceTier = self.serviceTier
        var events: [ChatEvent] = [.started(start)]
        for choice in self.choices {
            var calls = 0
            for part in choice.content {
                guard Self.append(part, of: choice.index, calls: &calls, to: &events) else { return nil }
            }
            if let logprobs = choice.logprobs { events.append(.logprobs(logprobs, choice: choice.index)) }
            events.append(
                .finished(
                    choice.stopReason ?? (calls > 0 ? .toolCalls : .endTurn), stopSequence: choice.stopSequence,
                    choice: choice.index))
        }
        if let usage = self.usage { events.append(.usage(usage)) }
        return events
    }

    private static func append(
        _ part: ContentPart,
        of choice: Int,
        calls: inout Int,
        to events: inout [ChatEvent]
    ) -> Bool {
        switch part {
        case .text(let text):
            if !text.text.isEmpty { events.append(.text(text.text, choice: choice)) }
            if let citations = text.citations, let dialect = text.citationDialect {
                guard let list = try? citations.view() else { return false }
                for entry in list.elements { events.append(.citation(entry.text, dialect: dialect, choice: choice)) }
            }
            events.append(.blockEnded(choice: choice))
        case .refusal(let text): events += [.refusal(text, choice: choice), .blockEnded(choice: choice)]
        case .reasoning(let reasoning):
            if !reasoning.text.isEmpty { events.append(.reasoning(reasoning.text, choice: choice)) }
            if let signature = reasoning.signature {
                events.append(.reasoningSignature(signature, choice: choice))
            }
            events.append(.blockEnded(choice: choice))
        case .redactedReasoning(let data):
            events += [.redactedReasoning(data, choice: choice), .blockEnded(choice: choice)]
        case .toolCall(let call):
            events.append(
                .toolCallStarted(
                    index: calls, id: call.id, name: call.name, isCustom: call.isCustom, choice: choice))
            if !call.arguments.isEmpty {
                events.append(.toolCallArguments(index: calls, fragment: call.arguments, choice: choice))
            }
            events.append(.blockEnded(choice: choice))
            calls += 1
        case .opaque(let part): events.append(.opaque(part, choice: choice))
        case .image(let part): events.append(.image(part, choice: choice))
        case .audio, .document, .toolResult: return false
        }
        return true
    }
}
