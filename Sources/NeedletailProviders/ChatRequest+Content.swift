package import NeedletailCore

extension ChatRequest {
    /// Whether a speaker of `dialect` is asked anything at all: not so where all that is said are parts that only another
    /// dialect knows, which are lost on the way.
    package func isTold(in dialect: DialectID) -> Bool {
        self.messages.contains { message in
            message.content.isEmpty
                || message.content.contains { part in
                    switch part {
                    case .opaque(let opaque): opaque.dialect == dialect
                    case .redactedReasoning, .reasoning: false
                    default: true
                    }
                }
        }
    }
}
