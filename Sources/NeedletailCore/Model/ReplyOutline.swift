/// What a reply is made of, without what it says: enough to compare two replies, and nothing that must be kept secret.
public struct ReplyOutline: Sendable, Hashable {
    /// The text's length in UTF-8 bytes, all choices together.
    public var textLength: Int
    /// The names of the tools that are called, in order.
    public var toolCalls: [String]

    /// Creates an outline.
    public init(textLength: Int = 0, toolCalls: [String] = []) {
        self.textLength = textLength
        self.toolCalls = toolCalls
    }

    /// The outline of a whole reply.
    public init(_ response: ChatResponse) {
        self.init()
        for choice in response.choices {
            for part in choice.content {
                switch part {
                case .text(let part): self.textLength += part.text.utf8.count
                case .toolCall(let call): self.toolCalls.append(call.name)
                default: break
                }
            }
        }
    }

    /// Adds what a stream's next event brings.
    public mutating func add(_ event: ChatEvent) {
        switch event {
        case .text(let text, _): self.textLength += text.utf8.count
        case .toolCallStarted(_, _, let name, _, _): self.toolCalls.append(name)
        default: break
        }
    }
}
