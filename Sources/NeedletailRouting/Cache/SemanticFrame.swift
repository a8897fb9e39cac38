import NeedletailCore

/// A chat without the text of its last turn: what must be equal for two questions that mean the same to share a reply.
struct SemanticFrame: Sendable, Hashable {
    /// Everything else: who asks, parameters, tools, the conversation before.
    let key: CacheKey
    /// The text of the last turn, whose meaning is compared.
    let text: String

    /// The longest text that is compared, in bytes: what embedding models take, about.
    static let maximumText = 24 << 10

    /// - Returns: `nil` for what is no chat whose last turn is a user's text alone.
    init?(_ key: CacheKey) {
        guard case .chat(var chat) = key.content, let last = chat.messages.last, last.role == .user else { return nil }
        var text = ""
        for part in last.content {
            guard case .text(let words) = part else { return nil }
            text += words.text
        }
        guard !text.isEmpty, text.utf8.count <= Self.maximumText else { return nil }
        chat.messages[chat.messages.count - 1].content = []
        var key = key
        key.content = .chat(chat)
        self.key = key
        self.text = text
    }

    /// Frames are equal whatever the text is.
    static func == (left: Self, right: Self) -> Bool { left.key == right.key }
    func hash(into hasher: inout Hasher) { hasher.combine(self.key) }
}
