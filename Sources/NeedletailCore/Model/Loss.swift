/// Something that a translation could not carry over.
public struct Loss: Sendable, Hashable {
    /// The field, in the words of the dialect it came from, without indices: `messages.content.cache_control`.
    public var field: String
    /// Why, for people.
    public var reason: String

    /// Creates a loss.
    public init(_ field: String, _ reason: String) {
        self.field = field
        self.reason = reason
    }
}

extension [Loss] {
    /// Adds a loss unless its field is already there.
    public mutating func add(_ field: String, _ reason: String) {
        guard !self.contains(where: { $0.field == field }) else { return }
        self.append(Loss(field, reason))
    }
}

/// A field that the model has no place for, kept as it was spelled.
public struct Extension: Sendable, Hashable {
    /// The path from the top of the request or reply, without indices: `logit_bias`, `messages.weight`.
    public var path: String
    /// The value as JSON text.
    public var value: JSONText

    /// Creates an extension.
    public init(_ path: String, _ value: JSONText) {
        self.path = path
        self.value = value
    }
}
