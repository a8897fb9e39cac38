/// Tells e-mail addresses: the spellings in use, not all that RFC 5322 allows.
enum EmailMatcher {
    /// RFC 5321, section 4.5.3.1.
    private static let longestLocalPart = 64
    private static let longestDomain = 253
    /// What looks like a domain behind `@` in the names of pictures (`icon@2x.png`).
    private static let fileEndings: [StaticString] = ["png", "jpg", "jpeg", "gif", "svg", "webp"]

    /// The address around the `@` at `index`.
    static func match(_ bytes: Span<UInt8>, at index: Int, floor: Int) -> Range<Int>? {
        let start = self.start(bytes, index, floor)
        guard start < index, let end = self.end(bytes, index + 1) else { return nil }
        // What names a repository to be cloned (`git@github.com:owner/name`) is no person.
        if end < bytes.count, bytes[end] == UInt8(ascii: ":"), index - start == 3,
            TextBytes.matches(bytes, start, "git")
        {
            return nil
        }
        return start..<end
    }

    private static func start(_ bytes: Span<UInt8>, _ at: Int, _ floor: Int) -> Int {
        var start = at
        let lowest = max(floor, at - Self.longestLocalPart)
        while start > lowest {
            let length = Self.localLength(bytes, endingAt: start)
            guard length > 0, start - length >= lowest else { break }
            start -= length
        }
        while start < at, TextBytes.isOne(bytes[start], of: ".-'%+") { start += 1 }
        return start
    }

    /// How many bytes the character of a local part has that ends at `end`; 0 where none does.
    private static func localLength(_ bytes: Span<UInt8>, endingAt end: Int) -> Int {
        let last = bytes[end - 1]
        if TextBytes.isWord(last) || TextBytes.isOne(last, of: ".%+-") { return 1 }
        if last == UInt8(ascii: "'") {
            // O'Brien, and no quotation mark.
            return end >= 2 && TextBytes.isLetter(bytes[end - 2]) ? 1 : 0
        }
        return Self.isLetterPair(bytes, end - 2) ? 2 : 0
    }

    /// Whether a letter of two bytes stands at `index`: Latin with marks, Greek, Cyrillic (U+00C0 to U+052F).
    private static func isLetterPair(_ bytes: Span<UInt8>, _ index: Int) -> Bool {
        index >= 0 && index + 1 < bytes.count && (0xC3...0xD4).contains(bytes[index]) && bytes[index + 1] & 0xC0 == 0x80
    }

    /// The end of the domain at `start`: labels with points between them, the last of letters.
    private static func end(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        var index = start
        var lastPoint: Int?
        while index < bytes.count, index - start < Self.longestDomain {
            let byte = bytes[index]
            if TextBytes.isAlphanumeric(byte) {
                index += 1
            } else if byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") {
                // Between two letters or digits only.
                guard index > start, index + 1 < bytes.count,
                    TextBytes.isAlphanumeric(bytes[index + 1]) || Self.isLetterPair(bytes, index + 1)
                        || byte == UInt8(ascii: "-") && bytes[index + 1] == byte
                else { break }
                if byte == UInt8(ascii: ".") { lastPoint = index }
                index += 1
            } else if Self.isLetterPair(bytes, index) {
                index += 2
            } else {
                break
            }
        }
        guard let lastPoint, index - lastPoint > 2, TextBytes.endsWord(bytes, index) else { return nil }
        let isPunycode = TextBytes.matches(bytes, lastPoint + 1, "xn--")
        for place in (lastPoint + 1)..<index where !isPunycode {
            guard TextBytes.isLetter(bytes[place]) || bytes[place] >= 0x80 else { return nil }
        }
        for ending in Self.fileEndings
        where ending.utf8CodeUnitCount == index - lastPoint - 1 && TextBytes.matches(bytes, lastPoint + 1, ending) {
            return nil
        }
        return index
    }
}
