import NeedletailCore

/// Ollama's own chat: <https://docs.ollama.com/api/chat>.
public enum OllamaChat: OllamaDialect {
    /// Messages.
    public static let kind = OllamaKind.chat
}
