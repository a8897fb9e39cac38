public import NeedletailCore

/// Ollama's own completion, `/api/generate`: <https://docs.ollama.com/api/generate>.
public enum OllamaGenerate: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.ollamaGenerate
}
