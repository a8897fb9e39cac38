/// A YAML value with its place: anchors resolved, merges done, `${NAME}` expanded.
struct ConfigurationNode: Sendable {
    /// What the value is.
    enum Content: Sendable {
        case null
        case scalar(Scalar)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    /// A text and how it was written.
    struct Scalar: Sendable {
        /// As written in the file; the only form that may be quoted in a fault.
        var raw: String
        /// With `${NAME}` expanded.
        var text: String
        /// Whether it stood in quotes, and so is a string whatever it looks like.
        var isQuoted: Bool
        /// Whether an expansion changed it.
        var isExpanded: Bool
        /// Whether an expansion failed, which has been reported.
        var isBroken: Bool

        /// Whether the text may be read as a number or a boolean.
        var isTyped: Bool { !self.isQuoted || self.isExpanded }
    }

    /// A member of a mapping.
    struct Entry: Sendable {
        var key: String
        var position: SourcePosition
        var value: ConfigurationNode
    }

    var position: SourcePosition
    var content: Content

    /// The value under `key`; `nil` when there is none or it is null.
    subscript(key: String) -> ConfigurationNode? {
        guard case .mapping(let entries) = self.content,
            let entry = entries.last(where: { $0.key == key })
        else { return nil }
        if case .null = entry.value.content { return nil }
        return entry.value
    }

    /// The members, of a mapping.
    var entries: [Entry] {
        if case .mapping(let entries) = self.content { entries } else { [] }
    }

    /// The values, of a sequence.
    var elements: [ConfigurationNode] {
        if case .sequence(let elements) = self.content { elements } else { [] }
    }

    /// The text, of a scalar that can be used.
    var scalar: Scalar? {
        if case .scalar(let scalar) = self.content, !scalar.isBroken { scalar } else { nil }
    }

    /// What it is, for people.
    var kindName: String {
        switch self.content {
        case .null: "nothing"
        case .scalar: "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
