/// What kinds of bytes the matchers tell apart. All of them read UTF-8.
enum TextBytes {
    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    @inline(__always)
    static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }

    @inline(__always)
    static func isAlphanumeric(_ byte: UInt8) -> Bool { Self.isLetter(byte) || Self.isDigit(byte) }

    @inline(__always)
    static func isHex(_ byte: UInt8) -> Bool { Self.isDigit(byte) || (byte | 0x20) &- 0x61 < 6 }

    /// Whether the byte belongs to a word, so that nothing that is looked for begins behind it or ends before it.
    @inline(__always)
    static func isWord(_ byte: UInt8) -> Bool { Self.isAlphanumeric(byte) || byte == UInt8(ascii: "_") }

    /// Whether a word ends at `index`.
    @inline(__always)
    static func endsWord(_ bytes: Span<UInt8>, _ index: Int) -> Bool {
        index >= bytes.count || !Self.isWord(bytes[index])
    }

    /// Whether a number ends at `index`: neither a word nor a point and a digit goes on.
    static func endsNumber(_ bytes: Span<UInt8>, _ index: Int, joints: StaticString = ".") -> Bool {
        guard Self.endsWord(bytes, index) else { return false }
        guard index + 1 < bytes.count, Self.isDigit(bytes[index + 1]) else { return true }
        return !Self.isOne(bytes[index], of: joints)
    }

    /// Whether a number may begin at `index`: what stands before is no joint behind a digit or letter.
    static func beginsNumber(_ bytes: Span<UInt8>, _ index: Int, joints: StaticString = ".,") -> Bool {
        guard index >= 2, Self.isOne(bytes[index - 1], of: joints) else { return true }
        return !Self.isAlphanumeric(bytes[index - 2])
    }

    static func isOne(_ byte: UInt8, of set: StaticString) -> Bool {
        set.withUTF8Buffer { letters in
            for index in 0..<letters.count where unsafe letters[index] == byte { return true }
            return false
        }
    }

    /// Whether `word` stands at `index`.
    static func matches(_ bytes: Span<UInt8>, _ index: Int, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard index >= 0, index + count <= bytes.count else { return false }
        return word.withUTF8Buffer { letters in
            for offset in 0..<count where unsafe bytes[index + offset] != letters[offset] { return false }
            return true
        }
    }
}
