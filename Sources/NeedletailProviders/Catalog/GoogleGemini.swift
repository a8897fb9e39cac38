import HTTPTypes
import NeedletailCore

extension ProviderSpec {
    /// Google AI Studio: <https://ai.google.dev/api>.
    public static let gemini = ProviderSpec(
        type: "gemini",
        dialects: [.gemini],
        baseURL: "https://generativelanguage.googleapis.com/v1beta",
        auth: .header(.xGoogAPIKey),
        environmentPrefix: "GEMINI",
        otherKeyVariables: ["GOOGLE_API_KEY"],
        requiresKey: true,
        modelPrefixes: ["gemini-", "gemma-"]
    )
}
