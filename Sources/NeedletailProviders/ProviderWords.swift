import NeedletailCore

/// What a provider said about a failure, for the operator's log; the client sees at most ``shown(for:otherwise:)``.
struct ProviderWords: Error, CustomStringConvertible {
    /// The words, without anything that looks like a key.
    let description: String

    /// Takes the words over, keys redacted; `nil` for none.
    init?(_ message: String?) {
        guard let message, !message.isEmpty else { return nil }
        self.description = SecretRedaction.redact(message)
    }

    /// The message that a client sees. What a provider thinks of our key or account is no business of the client's.
    static func shown(_ words: Self?, for code: NeedletailError.Code, otherwise: String) -> String {
        switch code {
        case .credentialRejected: "The provider did not accept the gateway's credentials."
        case .quotaExhausted: "The gateway's account at the provider has no quota left."
        default: words?.description ?? otherwise
        }
    }
}
