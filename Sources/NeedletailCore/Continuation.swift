/// What a client has already been sent of an answer whose stream broke.
///
/// A request that carries one asks for the rest. A class, so that a request, which every layer passes on, stays small.
public final class Continuation: Sendable {
    /// The text so far, as the client has it; never empty.
    public let text: String

    /// Creates a continuation.
    public init(text: String) {
        self.text = text
    }
}

/// Who answered a request and broke off after the commit.
public struct BrokenTarget: Sendable, Hashable {
    /// The provider.
    public var provider: ProviderID
    /// The model, in the provider's words.
    public var model: String

    /// Creates a record.
    public init(provider: ProviderID, model: String) {
        self.provider = provider
        self.model = model
    }
}
