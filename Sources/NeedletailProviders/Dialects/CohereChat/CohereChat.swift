public import NeedletailCore

/// Cohere chat, version 2: <https://docs.cohere.com/reference/chat>.
public enum CohereChat: PendingDialect {
    /// The dialect's name.
    public static let id = DialectID.cohereChat
}
