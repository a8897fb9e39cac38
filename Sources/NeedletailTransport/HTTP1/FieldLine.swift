import NeedletailCore

/// Where the name and the value of a header's line are (RFC 9112, section 5).
package struct FieldLine {
    /// The name's length; it begins the line.
    package let name: Int
    /// The value without the white space around it.
    package let value: Range<Int>
    /// Whether the value holds a control character other than the tab.
    package let hasControl: Bool

    /// Reads a line without its CRLF. Of the name only that there is one: most have been seen before.
    package init(_ line: Span<UInt8>) throws(MalformedMessage) {
        var colon = 0
        while colon < line.count, line[colon] != UInt8(ascii: ":") { colon += 1 }
        guard colon > 0, colon < line.count else {
            throw MalformedMessage(reason: "sent a header line without a name")
        }
        var start = colon + 1
        var end = line.count
        while start < end, line[start] == 0x20 || line[start] == 0x09 { start += 1 }
        while end > start, line[end - 1] == 0x20 || line[end - 1] == 0x09 { end -= 1 }
        self.name = colon
        self.value = start..<end
        self.hasControl = FieldText.hasControl(line.extracting(start..<end))
    }

    /// Refuses what is no name, such as a folded line's start.
    package static func checkName(_ name: Span<UInt8>) throws(MalformedMessage) {
        for index in name.indices where !Self.isToken(name[index]) {
            throw MalformedMessage(reason: "sent a header with an invalid name")
        }
    }

    /// Whether a byte may stand in a name or a method (RFC 9110, section 5.6.2).
    package static func isToken(_ byte: UInt8) -> Bool {
        // One bit for each letter: two words for 0x00-0x3F and 0x40-0x7F.
        let word: UInt64 = byte < 0x40 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return byte < 0x80 && word >> UInt64(byte & 0x3F) & 1 == 1
    }
}
