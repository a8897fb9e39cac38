import NeedletailCore

/// Puts the events of a stream together, as the rules of `ChatEvent` have it, and keeps to them.
enum OpenAIChatCollector {
    static func reply(_ events: [ChatEvent]) -> ChatResponse {
        var reply = ChatResponse(id: "", model: "")
        var texts: [Int: String] = [:]
        var reasoning: [Int: String] = [:]
        var calls: [Int: [ToolCall]] = [:]
        var stops: [Int: StopReason] = [:]
        var refusals: [Int: String] = [:]
        var order: [Int] = []
        func see(_ choice: Int) { if !order.contains(choice) { order.append(choice) } }
        for event in events {
            switch event {
            case .started(let start): (reply.id, reply.model) = (start.id, start.model)
            case .text(let text, let choice):
                see(choice)
                texts[choice, default: ""] += text
            case .reasoning(let text, let choice):
                see(choice)
                reasoning[choice, default: ""] += text
            case .refusal(let text, let choice):
                see(choice)
                refusals[choice, default: ""] += text
            case .toolCallStarted(_, let id, let name, let isCustom, let choice):
                see(choice)
                calls[choice, default: []].append(ToolCall(id: id, name: name, arguments: "", isCustom: isCustom))
            case .toolCallArguments(let index, let fragment, let choice):
                calls[choice]?[index].arguments += fragment
            case .finished(let reason, _, let choice):
                see(choice)
                stops[choice] = reason
            case .usage(let usage): reply.usage = usage
            default: break
            }
        }
        for index in order.sorted() {
            var choice = ChatChoice(index: index)
            if let text = reasoning[index] { choice.content.append(.reasoning(ReasoningPart(text))) }
            if let text = texts[index] { choice.content.append(.text(TextPart(text))) }
            if let text = refusals[index] { choice.content.append(.refusal(text)) }
            for call in calls[index] ?? [] { choice.content.append(.toolCall(call)) }
            choice.stopReason = stops[index]
            reply.choices.append(choice)
        }
        return reply
    }
}
