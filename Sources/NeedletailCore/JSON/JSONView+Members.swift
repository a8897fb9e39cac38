import NIOCore

extension JSONView {
    /// Calls `action` for each member of an object that is not `known` and says something: neither `null` nor empty.
    /// Decodes only keys that have escapes, and makes no view of what is known.
    func forEachMember(except known: [StaticString], _ action: (Member) -> Void) {
        let (document, index) = (self.document, self.index)
        guard self.kind == .object else { return }
        let end = Int(document.nodes[index].next)
        var position = index + 1
        while position < end {
            let place = position
            let value = document.nodes[place + 1]
            position = Int(value.next)
            switch value.kind {
            case .null: continue
            case .array, .object: if position == place + 2 { continue }
            case .string: guard value.end > value.start + 2 else { continue }
            default: break
            }
            guard !document.isKey(at: place, anyOf: known) else { continue }
            action(
                Member(
                    keyView: JSONView(document: document, index: place),
                    value: JSONView(document: document, index: place + 1)))
        }
    }

    /// Whether there is a list under one of two names in an object. Looks at names only where a value is a list, and makes
    /// no view.
    package func hasList(under first: StaticString, or second: StaticString) -> Bool {
        let (document, index) = (self.document, self.index)
        guard self.kind == .object else { return false }
        let end = Int(document.nodes[index].next)
        var position = index + 1
        while position < end {
            let value = document.nodes[position + 1]
            if value.kind == .array, document.isKey(at: position, first) || document.isKey(at: position, second) {
                return true
            }
            position = Int(value.next)
        }
        return false
    }

    /// Whether a value of an object is an array or an object.
    package var holdsContainers: Bool {
        guard self.kind == .object else { return false }
        let list = self.document.nodes
        let nodes = list.span
        let end = Int(nodes[self.index].next)
        var position = self.index + 1
        while position < end {
            let value = nodes[position + 1]
            if value.kind == .array || value.kind == .object { return true }
            position = Int(value.next)
        }
        return false
    }

    /// Whether a value is `null` or empty. An object of empty values is not: its names may say something.
    package var saysNothing: Bool {
        switch self.kind {
        case .null: true
        case .string: self.string?.isEmpty == true
        case .array: self.elements.first(where: { _ in true }) == nil
        case .object: self.members.first(where: { _ in true }) == nil
        default: false
        }
    }
}
