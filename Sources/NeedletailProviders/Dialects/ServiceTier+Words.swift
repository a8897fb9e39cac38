import NeedletailCore

extension ServiceTier {
    /// What the clients of `dialect` call the tier; `nil` where they have no word for it.
    private func word(in dialect: DialectID) -> String? {
        switch (dialect, self) {
        case (.openAIChat, .standard), (.openAIResponses, .standard), (.bedrockConverse, .standard): "default"
        case (.anthropicMessages, .standard), (.gemini, .standard): "standard"
        case (.anthropicMessages, .batch): "batch"
        case (.anthropicMessages, .priority): "priority"
        case (.openAIChat, .priority), (.openAIResponses, .priority), (.bedrockConverse, .priority),
            (.gemini, .priority):
            "priority"
        case (.openAIChat, .flex), (.openAIResponses, .flex), (.bedrockConverse, .flex), (.gemini, .flex): "flex"
        default: nil
        }
    }

    /// A reply's tier, said to a client of another dialect.
    ///
    /// - Returns: The word, and whether the tier cannot be said.
    static func said(
        _ word: String?, from source: DialectID?, to client: DialectID
    ) -> (word: String?, isLost: Bool) {
        guard let word, source != client else { return (word, false) }
        // That the provider chose is no tier.
        guard word != "auto" else { return (nil, false) }
        let own = ServiceTier(reply: word.lowercased())?.word(in: client)
        return (own, own == nil)
    }
}
