public import NIOCore

/// JSON text that has been checked once, with an index of where its values lie.
///
/// The index (a tape of one small record per value) makes looking a value up cost nothing for what is skipped. Strings
/// are decoded and numbers read only when somebody asks.
public final class JSONDocument: Sendable {
    struct Node {
        var start: UInt32
        var end: UInt32
        /// The index of the node after this value and all that is in it.
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
        tape.nodes.reserveCapacity(min(64, 4 + bytes.readableBytes / 16))
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

    /// Whether the key at node `index` is `name`; decodes only a key that has escapes.
    func isKey(at index: Int, _ name: StaticString) -> Bool {
        let node = self.nodes[index]
        let text = self.bytes
        let bytes = text.readableBytesUInt8Span
        let range = Int(node.start)..<Int(node.end)
        guard !node.hasEscapes else { return JSONScanner.text(bytes, range) == name.description }
        return range.count == name.utf8CodeUnitCount + 2 && JSONScanner.matches(bytes, range.lowerBound + 1, name)
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
            self.append(.string, range, next: self.afterNext, hasEscapes: hasEscapes)
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
