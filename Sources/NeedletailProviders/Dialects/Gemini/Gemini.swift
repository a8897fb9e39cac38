public import NeedletailCore

/// Gemini `generateContent`: <https://ai.google.dev/api/generate-content>.
public enum Gemini: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.gemini
}
