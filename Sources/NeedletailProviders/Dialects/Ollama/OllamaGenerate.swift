import NeedletailCore

/// Ollama's own completion: <https://docs.ollama.com/api/generate>.
///
/// For other upstreams the prompt is a message of the user. What only a completion has (`suffix`, `raw`, `template`,
/// `context`) is refused where the upstream is asked in another dialect: without it, something else would be asked.
public enum OllamaGenerate: OllamaDialect {
    /// A prompt.
    public static let kind = OllamaKind.generate
}
