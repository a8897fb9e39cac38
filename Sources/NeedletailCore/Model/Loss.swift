/// Something that a translation could not carry over.
public struct Loss: Sendable, Hashable {
    /// The field, in the words of the dialect it came from, without indices: `messages.content.cache_control`.
    public var field: String
    /// Why, for people.
    public var reason: String
    /// Whether the field says something about the call (how long it took, where it ran, what a filter measured) and
    /// nothing of the answer. Told like any other, and told apart, so that it does not hide what matters.
    public var isBookkeeping: Bool

    /// Creates a loss.
    public init(_ field: String, _ reason: String, isBookkeeping: Bool = false) {
        self.field = field
        self.reason = reason
        self.isBookkeeping = isBookkeeping
    }
}

extension [Loss] {
    /// Adds a loss unless its field is already there.
    public mutating func add(_ field: String, _ reason: String) {
        self.add(Loss(field, reason))
    }

    /// Adds a loss unless its field is already there.
    public mutating func add(_ loss: Loss) {
        guard !self.contains(where: { $0.field == loss.field }) else { return }
        self.append(loss)
    }

    /// Adds losses, each field once.
    public mutating func add(_ losses: [Loss]) {
        for loss in losses { self.add(loss) }
    }

    /// The same, with those marked that say nothing of the answer of an upstream of `dialect`.
    public func markingBookkeeping(of dialect: any Dialect.Type) -> [Loss] {
        self.map { Loss($0.field, $0.reason, isBookkeeping: dialect.isBookkeeping($0.field)) }
    }

    /// The fields that say something of the answer, or of what was asked.
    public var ofContent: [String] { self.filter { !$0.isBookkeeping }.map(\.field) }
    /// The fields that say something of the call alone.
    public var ofBookkeeping: [String] { self.filter(\.isBookkeeping).map(\.field) }
    /// Whether anything but a provider's bookkeeping was lost.
    public var holdContent: Bool { self.contains { !$0.isBookkeeping } }
}

/// A field that the model has no place for, kept as it was spelled.
public struct Extension: Sendable, Hashable {
    /// The path from the top of the request or reply, without indices: `logit_bias`, `messages.weight`.
    public var path: String
    /// The value as JSON text.
    public var value: JSONText
    /// Whether the model holds what the field says, so that the field is kept for its own dialect and lost in no other.
    public var isRead: Bool

    /// Creates an extension.
    public init(_ path: String, _ value: JSONText, isRead: Bool = false) {
        self.path = path
        self.value = value
        self.isRead = isRead
    }
}
