import NIOCore

extension JSONView {
    /// Calls `action` for each member of an object that is not `known` and says something: neither `null` nor an empty
    /// array. Decodes only keys that have escapes, and makes no view of what is known.
    func forEachMember(except known: [StaticString], _ action: (Member) -> Void) {
        let (document, index) = (self.document, self.index)
        guard self.kind == .object else { return }
        let end = Int(document.nodes[index].next)
        var position = index + 1
        while position < end {
            let place = position
            let value = document.nodes[place + 1]
            position = Int(value.next)
            guard value.kind != .null, value.kind != .array || position > place + 2 else { continue }
            guard !document.isKey(at: place, anyOf: known) else { continue }
            action(
                Member(
                    keyView: JSONView(document: document, index: place),
                    value: JSONView(document: document, index: place + 1)))
        }
    }
}

extension JSONDocument {
    /// Whether the key at node `index` is one of `names`.
    fileprivate func isKey(at index: Int, anyOf names: [StaticString]) -> Bool {
        let node = self.nodes[index]
        let text = self.bytes
        let bytes = text.readableBytesUInt8Span
        let start = Int(node.start) + 1
        let count = Int(node.end) - 1 - start
        for name in names {
            if node.hasEscapes {
                if self.isKey(at: index, name) { return true }
            } else if name.utf8CodeUnitCount == count, JSONScanner.matches(bytes, start, name) {
                return true
            }
        }
        return false
    }
}
