import NeedletailCore

/// Which of Ollama's two dialects is meant; they share all but the place of the text.
public enum OllamaKind: Sendable, Hashable {
    /// `/api/chat`: messages, answered by a message.
    case chat
    /// `/api/generate`: a prompt, answered by `response`.
    case generate

    /// The dialect's name.
    var dialect: DialectID {
        switch self {
        case .chat: .ollamaChat
        case .generate: .ollamaGenerate
        }
    }
}

extension DialectID {
    /// Whether it is one of Ollama's own, which share their options.
    var isOllama: Bool { self == .ollamaChat || self == .ollamaGenerate }
}
