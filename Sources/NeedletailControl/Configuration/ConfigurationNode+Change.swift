import NIOCore
import NeedletailCore

extension ConfigurationNode {
    /// A mapping with nothing in it.
    static let emptyMapping = ConfigurationNode(
        position: SourcePosition(file: "", line: 1, column: 1), content: .mapping([]))

    /// A text that nobody wrote.
    static func text(_ text: String) -> ConfigurationNode {
        ConfigurationNode(
            position: SourcePosition(file: "", line: 1, column: 1), content: .scalar(Self.scalar(text, isQuoted: true)))
    }

    /// The mapping with another value for a key, at its place or else at the end; `nil` takes the key out.
    func setting(_ key: String, to value: ConfigurationNode?) -> ConfigurationNode {
        var entries = self.entries
        let index = entries.lastIndex { $0.key == key }
        switch (index, value) {
        case (let index?, let value?): entries[index].value = value
        case (nil, let value?): entries.append(Entry(key: key, position: value.position, value: value))
        case (_, nil): entries.removeAll { $0.key == key }
        }
        return ConfigurationNode(position: self.position, content: .mapping(entries))
    }

    /// The mapping with a patch's members over it: mappings are merged, `null` takes out, everything else replaces (JSON
    /// Merge Patch, RFC 7396).
    ///
    /// - Parameter keepsNulls: Whether what takes out stays, because the result is a patch itself.
    func merging(_ patch: ConfigurationNode, keepsNulls: Bool = false) -> ConfigurationNode {
        guard case .mapping(let entries) = patch.content else { return patch }
        var result = self
        if case .mapping = self.content {
        } else {
            result = ConfigurationNode(position: patch.position, content: .mapping([]))
        }
        for entry in entries {
            if case .null = entry.value.content, !keepsNulls {
                result = result.setting(entry.key, to: nil)
            } else {
                let base = result.entries.last { $0.key == entry.key }?.value ?? .emptyMapping
                result = result.setting(entry.key, to: base.merging(entry.value, keepsNulls: keepsNulls))
            }
        }
        return result
    }

    /// A tree from JSON. Nothing in it expands: what comes over a network names no variables.
    ///
    /// - Parameters:
    ///   - file: What faults name as the file; lines and columns are the body's.
    ///   - body: All of the text that `json` is in.
    init(_ json: JSONView, file: String, body: ByteBuffer) {
        self.init(json, SourceLines(file: file, body: body))
    }

    private init(_ json: JSONView, _ lines: SourceLines) {
        self.position = lines.position(at: json.range.lowerBound)
        switch json.kind {
        case .null: self.content = .null
        case .string: self.content = .scalar(Self.scalar(json.string ?? "", isQuoted: true))
        case .number, .boolean: self.content = .scalar(Self.scalar(json.text.description, isQuoted: false))
        case .array: self.content = .sequence(json.elements.map { ConfigurationNode($0, lines) })
        case .object:
            self.content = .mapping(
                json.members.map { member in
                    Entry(
                        key: member.key, position: lines.position(at: member.range.lowerBound),
                        value: ConfigurationNode(member.value, lines))
                })
        }
    }

    private static func scalar(_ text: String, isQuoted: Bool) -> Scalar {
        Scalar(raw: text, text: text, isQuoted: isQuoted, isExpanded: false, isBroken: false)
    }
}

/// Turns offsets in a text into places.
private struct SourceLines {
    let file: String
    /// The offset of each line's first byte.
    private let starts: [Int]

    init(file: String, body: ByteBuffer) {
        self.file = file
        self.starts =
            [0]
            + body.readableBytesView.enumerated().compactMap { $0.element == UInt8(ascii: "\n") ? $0.offset + 1 : nil }
    }

    func position(at offset: Int) -> SourcePosition {
        let line = (self.starts.lastIndex { $0 <= offset }) ?? 0
        return SourcePosition(file: self.file, line: line + 1, column: offset - self.starts[line] + 1)
    }
}
