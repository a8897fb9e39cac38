public import NIOCore

/// A value in a ``JSONDocument``, read on demand.
///
/// Duplicate keys: the last one counts, as in nearly every parser an upstream may use; ``members`` shows all of them.
public struct JSONView: Sendable {
    let document: JSONDocument
    let index: Int

    private var node: JSONDocument.Node { self.document.nodes[self.index] }

    /// What the value is.
    public var kind: JSONKind { self.node.kind }
    /// Whether it is `null`.
    public var isNull: Bool { self.kind == .null }

    /// The value's place in the document's bytes.
    public var range: Range<Int> { Int(self.node.start)..<Int(self.node.end) }

    /// The value as spelled.
    public var raw: ByteBuffer {
        let range = self.range
        let bytes = self.document.bytes
        return bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }

    /// All of the text that the value stands in.
    public var whole: ByteBuffer { self.document.bytes }

    /// The value as spelled.
    public var text: JSONText { JSONText(unchecked: self.raw) }

    // MARK: Scalars

    /// The string with its escapes resolved; `nil` if it is no string. A lone surrogate becomes U+FFFD.
    public var string: String? {
        guard self.kind == .string else { return nil }
        let range = (self.range.lowerBound + 1)..<(self.range.upperBound - 1)
        let bytes = self.document.bytes
        guard self.node.hasEscapes else {
            return bytes.getString(at: bytes.readerIndex + range.lowerBound, length: range.count)
        }
        return JSONUnescaping.string(bytes.readableBytesUInt8Span, range)
    }

    /// The string, to be compared with known ones; `nil` if it is no string.
    public var word: JSONWord? {
        guard self.kind == .string else { return nil }
        guard !self.node.hasEscapes else { return JSONWord(self.string ?? "") }
        let range = self.range
        let bytes = self.document.bytes
        return bytes.getSlice(at: bytes.readerIndex + range.lowerBound + 1, length: range.count - 2).map {
            JSONWord($0)
        }
    }

    /// The boolean; `nil` if it is none.
    public var bool: Bool? {
        guard self.kind == .boolean else { return nil }
        return self.range.count == 4
    }

    /// The number if it is a whole one that fits; `1e3` and `2.0` are whole numbers too.
    public var int: Int? {
        guard self.kind == .number else { return nil }
        if let digits = self.digits { return digits }
        let spelled = String(buffer: self.raw)
        if let int = Int(spelled) { return int }
        guard let double = Double(spelled), double.rounded() == double, abs(double) < 9e15 else { return nil }
        return Int(double)
    }

    /// The number if it is spelled in at most 18 digits, as every count is.
    private var digits: Int? {
        let range = self.range
        guard range.count <= 18 else { return nil }
        let bytes = self.document.bytes
        let span = bytes.readableBytesUInt8Span
        var value = 0
        for index in range {
            guard span[index] >= 0x30, span[index] <= 0x39 else { return nil }
            value = value * 10 + Int(span[index] - 0x30)
        }
        return value
    }

    /// The number, rounded to a `Double`.
    public var double: Double? {
        guard self.kind == .number else { return nil }
        return Double(String(buffer: self.raw))
    }

    /// The number as spelled; `nil` if it is none.
    public var number: JSONText? {
        self.kind == .number ? self.text : nil
    }

    // MARK: Containers

    /// The value under `key`; `nil` if there is none or this is no object. `null` is a value.
    public subscript(key: StaticString) -> JSONView? {
        guard self.kind == .object, let found = self.document.value(under: key, inObjectAt: self.index) else {
            return nil
        }
        return JSONView(document: self.document, index: found)
    }

    /// The value under `key`, unless there is none or it is `null`.
    public func present(_ key: StaticString) -> JSONView? {
        guard self.kind == .object, let found = self.document.value(under: key, inObjectAt: self.index),
            self.document.nodes[found].kind != .null
        else { return nil }
        return JSONView(document: self.document, index: found)
    }

    /// The values of an array; empty for everything else.
    public var elements: Elements { Elements(self) }

    /// The members of an object in order, duplicates included; empty for everything else.
    public var members: Members { Members(self) }

    /// A member of an object.
    public struct Member: Sendable {
        let keyView: JSONView
        /// The value.
        public let value: JSONView

        /// Where key and value stand in the document's bytes.
        public var range: Range<Int> { self.keyView.range.lowerBound..<self.value.range.upperBound }

        /// The key.
        public var key: String { self.keyView.string ?? "" }

        /// The key, to be compared with known ones.
        public var word: JSONWord { self.keyView.word ?? JSONWord("") }

        /// Whether the key is `name`; cheaper than comparing ``key``.
        public func hasKey(_ name: StaticString) -> Bool {
            self.keyView.document.isKey(at: self.keyView.index, name)
        }
    }

    /// The values of an array.
    public struct Elements: Sequence, IteratorProtocol, Sendable {
        private let document: JSONDocument
        private var position: Int
        private let end: Int

        init(_ view: JSONView) {
            self.document = view.document
            self.position = view.index + 1
            self.end = view.kind == .array ? Int(view.node.next) : self.position
        }

        /// The next value.
        public mutating func next() -> JSONView? {
            guard self.position < self.end else { return nil }
            defer { self.position = Int(self.document.nodes[self.position].next) }
            return JSONView(document: self.document, index: self.position)
        }
    }

    /// The members of an object.
    public struct Members: Sequence, IteratorProtocol, Sendable {
        private let document: JSONDocument
        private var position: Int
        private let end: Int

        init(_ view: JSONView) {
            self.document = view.document
            self.position = view.index + 1
            self.end = view.kind == .object ? Int(view.node.next) : self.position
        }

        /// The next member.
        public mutating func next() -> Member? {
            guard self.position < self.end else { return nil }
            defer { self.position = Int(self.document.nodes[self.position + 1].next) }
            return Member(
                keyView: JSONView(document: self.document, index: self.position),
                value: JSONView(document: self.document, index: self.position + 1)
            )
        }
    }
}
