/// A family of paths that clients speak to, named after whose shape it has.
public enum ClientSurface: String, Sendable, Hashable, CaseIterable {
    /// `/v1/chat/completions`, `/v1/responses`, `/v1/embeddings` and their like.
    case openai
    /// `/v1/messages`.
    case anthropic
    /// `/v1beta/models/…`.
    case gemini
    /// `/openai/deployments/…`.
    case azure
    /// `/model/…/converse`.
    case bedrock
    /// `/api/…`.
    case ollama
    /// `/v2/…`.
    case cohere
}
