public import NIOCore

/// JSON text that has been checked once, with an index of where its values lie.
///
/// The index (a tape of one small record per value) makes looking a value up cost nothing for what is skipped. Strings
/// are decoded and numbers read only when somebody asks.
public final class JSONDocument: Sendable {
    struct Node {
        var start: UInt32
        var end: UInt32
        /// The index of the node after this value and all that is in it; of a key its ``JSONScanner/head(_:_:_:)``.
        var next: UInt32
        var kind: JSONKind
        var hasEscapes: Bool
    }

    let bytes: ByteBuffer
    let nodes: [Node]

    /// Checks `bytes` and indexes them.
    ///
    /// - Throws: A ``JSONError`` if they are not exactly one JSON value, with white space around it at most.
    public init(_ bytes: ByteBuffer) throws(JSONError) {
        guard bytes.readableBytes < Int(UInt32.max) else { throw JSONError(.tooLarge, at: 0) }
        var tape = Tape()
        // A chunk of a stream has a value or key for every 8 to 16 bytes.
        tape.nodes.reserveCapacity(min(64, 4 + bytes.readableBytes / 8))
        try Self.parse(bytes.readableBytesUInt8Span, into: &tape)
        self.bytes = bytes
        self.nodes = tape.nodes
    }

    private static func parse(_ span: Span<UInt8>, into tape: inout Tape) throws(JSONError) {
        let start = JSONScanner.skipWhitespace(span, 0)
        guard start < span.count else { throw JSONError(.empty, at: start) }
        let end = JSONScanner.skipWhitespace(span, try JSONParser.value(span, start, into: &tape))
        guard end == span.count else { throw JSONError(.trailingBytes, at: end) }
    }

    /// The value.
    public var root: JSONView { JSONView(document: self, index: 0) }

    /// The node of the value under `name` in the object at node `index`, the last one if there are several.
    func value(under name: StaticString, inObjectAt index: Int) -> Int? {
        let list = self.nodes
        let nodes = list.span
        let end = Int(nodes[index].next)
        let key = Key(name)
        var found: Int?
        var position = index &+ 1
        while position < end {
            if key.mayBe(nodes[position]), self.isRest(of: nodes[position], key) { found = position &+ 1 }
            position = Int(nodes[position &+ 1].next)
        }
        return found
    }

    /// Whether the key at node `index` is `name`; decodes only a key that has escapes.
    func isKey(at index: Int, _ name: StaticString) -> Bool {
        let key = Key(name)
        return key.mayBe(self.nodes[index]) && self.isRest(of: self.nodes[index], key)
    }

    /// Whether the key at node `index` is one of `names`.
    func isKey(at index: Int, anyOf names: [StaticString]) -> Bool {
        let node = self.nodes[index]
        for name in names where node.hasEscapes || node.end &- node.start == Key.length(name) {
            let key = Key(name)
            if key.mayBe(node), self.isRest(of: node, key) { return true }
        }
        return false
    }

    /// Looks at the text of a key that ``Key/mayBe(_:)`` the wanted one.
    private func isRest(of node: Node, _ key: Key) -> Bool {
        guard node.hasEscapes || key.name.utf8CodeUnitCount > 4 else { return true }
        let text = self.bytes
        let bytes = text.readableBytesUInt8Span
        guard !node.hasEscapes else {
            return JSONScanner.text(bytes, Int(node.start)..<Int(node.end)) == key.name.description
        }
        return JSONScanner.matches(bytes, Int(node.start) &+ 1, key.name, from: 4)
    }

    /// A key that is looked for: its length and its first bytes tell nearly all others apart without a look at the text.
    private struct Key {
        let name: StaticString
        private let head: UInt32

        @inline(__always)
        init(_ name: StaticString) {
            self.name = name
            self.head = JSONScanner.head(name)
        }

        /// Quotes included.
        @inline(__always)
        static func length(_ name: StaticString) -> UInt32 {
            UInt32(truncatingIfNeeded: name.utf8CodeUnitCount &+ 2)
        }

        @inline(__always)
        func mayBe(_ node: Node) -> Bool {
            (node.next == self.head && node.end &- node.start == Self.length(self.name)) || node.hasEscapes
        }
    }

    private struct Tape: JSONTape {
        var nodes: [Node] = []
        /// The innermost open container; its `next` holds the one around it until it is closed.
        private var innermost: UInt32 = 0

        private mutating func append(_ kind: JSONKind, _ range: Range<Int>, next: UInt32, hasEscapes: Bool) {
            self.nodes.append(
                Node(
                    start: UInt32(truncatingIfNeeded: range.lowerBound),
                    end: UInt32(truncatingIfNeeded: range.upperBound),
                    next: next,
                    kind: kind,
                    hasEscapes: hasEscapes
                )
            )
        }

        private var afterNext: UInt32 { UInt32(truncatingIfNeeded: self.nodes.count &+ 1) }

        mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {
            let head = JSONScanner.head(bytes, range.lowerBound &+ 1, range.count &- 2)
            self.append(.string, range, next: head, hasEscapes: hasEscapes)
        }

        mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool) {
            self.append(kind, range, next: self.afterNext, hasEscapes: hasEscapes)
        }

        mutating func open(_ kind: JSONKind, at start: Int) {
            let index = UInt32(truncatingIfNeeded: self.nodes.count)
            self.append(kind, start..<start, next: self.innermost, hasEscapes: false)
            self.innermost = index
        }

        mutating func close(at end: Int) {
            let index = Int(self.innermost)
            self.innermost = self.nodes[index].next
            self.nodes[index].end = UInt32(truncatingIfNeeded: end)
            self.nodes[index].next = UInt32(truncatingIfNeeded: self.nodes.count)
        }
    }
}
