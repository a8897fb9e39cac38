/// What may stand in an HTTP field's value, and how its names are compared (RFC 9110, section 5).
package enum FieldText {
    /// Whether a value holds a control character other than the tab.
    package static func hasControl(_ text: borrowing String) -> Bool {
        self.hasControl(text.utf8.span)
    }

    /// Whether a value holds a control character other than the tab.
    package static func hasControl(_ bytes: Span<UInt8>) -> Bool {
        for index in bytes.indices {
            let byte = bytes[index]
            if byte < 0x20 && byte != 0x09 || byte == 0x7F { return true }
        }
        return false
    }

    /// Whether a text is `lower`, which is ASCII in lower case, with its letters in any case.
    package static func equals(_ text: borrowing String, _ lower: StaticString) -> Bool {
        text.utf8.span.count == lower.utf8CodeUnitCount && self.begins(text, lower)
    }

    /// Whether a text begins with `lower`, which is ASCII in lower case, with its letters in any case.
    package static func begins(_ text: borrowing String, _ lower: StaticString) -> Bool {
        let bytes = text.utf8.span
        let count = lower.utf8CodeUnitCount
        guard bytes.count >= count else { return false }
        for index in 0..<count where unsafe self.folded(bytes[index]) != lower.utf8Start[index] { return false }
        return true
    }

    /// Whether a text is `lower`, which is ASCII in lower case, with its letters in any case.
    package static func equals(_ text: borrowing String, lower: borrowing String) -> Bool {
        let (bytes, wanted) = (text.utf8.span, lower.utf8.span)
        guard bytes.count == wanted.count else { return false }
        for index in bytes.indices where self.folded(bytes[index]) != wanted[index] { return false }
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}
