public import NeedletailCore

/// Ollama's own chat, `/api/chat`: <https://docs.ollama.com/api/chat>.
public enum OllamaChat: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.ollamaChat
}
