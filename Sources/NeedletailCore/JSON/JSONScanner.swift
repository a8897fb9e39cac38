/// Checks JSON text exactly as RFC 8259 has it, without building anything.
///
/// Every function takes the offset where its token starts and returns the offset after it. All run in linear time and
/// constant memory but for the nesting, whose depth is bounded.
public enum JSONScanner {
    /// The deepest nesting that is accepted: far beyond any request, far below what a deep recursion would cost.
    public static let maximumDepth = 512

    /// What is known about a string that was scanned.
    public struct ScannedString: Sendable {
        /// The offset after the closing quote.
        public var end: Int
        /// Whether it holds a backslash.
        public var hasEscapes: Bool
    }

    /// The first offset from `index` on that is not white space.
    @inline(__always)
    public static func skipWhitespace(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        var index = index
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index &+= 1
            default: return index
            }
        }
        return index
    }

    /// Scans a string that starts with a quote at `start`.
    public static func string(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> ScannedString {
        var index = start &+ 1
        var hasEscapes = false
        while true {
            index = hasEscapes ? Self.escapedASCII(bytes, index) : Self.plainASCII(bytes, index)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                return ScannedString(end: index &+ 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                index = try Self.escape(bytes, index)
            case 0..<0x20:
                throw JSONError(.controlCharacter, at: index)
            default:
                let end = Self.multibyteRun(bytes, index)
                index = end > index ? end : try Self.multibyte(bytes, index)
            }
        }
    }

    /// Scans an escape sequence that starts with a backslash at `start`. Lone surrogates are allowed by the grammar.
    private static func escape(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        guard start &+ 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: start) }
        switch bytes[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"):
            guard start &+ 6 <= bytes.count else { throw JSONError(.unexpectedEnd, at: start) }
            for index in (start &+ 2)..<(start &+ 6) where Self.hexDigit(bytes[index]) == nil {
                throw JSONError(.invalidEscape, at: start)
            }
            return start &+ 6
        default:
            throw JSONError(.invalidEscape, at: start)
        }
    }

    /// Scans one UTF-8 sequence of two to four bytes, as RFC 3629 section 4 has it.
    private static func multibyte(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        let first = bytes[start]
        let length: Int
        var low: UInt8 = 0x80
        var high: UInt8 = 0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, low) = (3, 0xA0)
        case 0xED: (length, high) = (3, 0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, low) = (4, 0x90)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, high) = (4, 0x8F)
        default: throw JSONError(.invalidUTF8, at: start)
        }
        guard start &+ length <= bytes.count else { throw JSONError(.invalidUTF8, at: start) }
        guard bytes[start &+ 1] >= low, bytes[start &+ 1] <= high else { throw JSONError(.invalidUTF8, at: start) }
        for index in (start &+ 2)..<max(start &+ 2, start &+ length) where bytes[index] & 0xC0 != 0x80 {
            throw JSONError(.invalidUTF8, at: start)
        }
        return start &+ length
    }

    /// Scans a number that starts at `start` with a minus or a digit.
    public static func number(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        var index = start
        if bytes[index] == UInt8(ascii: "-") { index &+= 1 }
        guard index < bytes.count else { throw JSONError(.invalidNumber, at: start) }
        switch bytes[index] {
        case UInt8(ascii: "0"): index &+= 1
        case UInt8(ascii: "1")...UInt8(ascii: "9"): index = Self.digits(bytes, index)
        default: throw JSONError(.invalidNumber, at: start)
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            let end = Self.digits(bytes, index &+ 1)
            guard end > index &+ 1 else { throw JSONError(.invalidNumber, at: start) }
            index = end
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index &+= 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index &+= 1
            }
            let end = Self.digits(bytes, index)
            guard end > index else { throw JSONError(.invalidNumber, at: start) }
            index = end
        }
        return index
    }

    private static func digits(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] &- 0x30 < 10 { index &+= 1 }
        return index
    }

    /// Scans white space and the colon after a key that ended at `index`; returns the offset of the value.
    @inline(__always)
    static func colon(_ bytes: Span<UInt8>, _ index: Int) throws(JSONError) -> Int {
        var index = Self.skipWhitespace(bytes, index)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        guard bytes[index] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: index) }
        index = Self.skipWhitespace(bytes, index &+ 1)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        return index
    }

    /// Scans `true`, `false` or `null` at `start`.
    static func literal(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> (end: Int, kind: JSONKind) {
        switch bytes[start] {
        case UInt8(ascii: "t") where Self.matches(bytes, start, "true"): return (start &+ 4, .boolean)
        case UInt8(ascii: "f") where Self.matches(bytes, start, "false"): return (start &+ 5, .boolean)
        case UInt8(ascii: "n") where Self.matches(bytes, start, "null"): return (start &+ 4, .null)
        default: throw JSONError(.unexpectedByte, at: start)
        }
    }

    /// Whether `word` stands at `start`.
    ///
    /// - Parameter first: How many of its bytes are known to.
    package static func matches(_ bytes: Span<UInt8>, _ start: Int, _ word: StaticString, from first: Int = 0) -> Bool {
        let count = word.utf8CodeUnitCount
        guard start >= 0, start &+ count <= bytes.count else { return false }
        let raw = unsafe bytes.bytes
        return word.withUTF8Buffer { letters in
            let word = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(letters))
            var offset = first
            // In bounds of both: `start + count` is in those of the bytes.
            while offset &+ 8 <= count {
                let here = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: start &+ offset, as: UInt64.self)
                guard unsafe here == word.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self) else {
                    return false
                }
                offset &+= 8
            }
            while offset < count {
                guard unsafe bytes[start &+ offset] == letters[offset] else { return false }
                offset &+= 1
            }
            return true
        }
    }

    /// The first four of `count` bytes from `start` on as one number; of fewer with zeros behind them.
    @inline(__always)
    static func head(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt32 {
        if count >= 4, start >= 0, start &+ 4 <= bytes.count {
            let raw = unsafe bytes.bytes
            // In bounds: checked in the line above.
            return unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: UInt32.self).littleEndian
        }
        var head: UInt32 = 0
        var offset = 0
        while offset < min(count, 4) {
            head |= UInt32(bytes[start &+ offset]) &<< UInt32(truncatingIfNeeded: offset &* 8)
            offset &+= 1
        }
        return head
    }

    /// The same of a word.
    @inline(__always)
    static func head(_ word: StaticString) -> UInt32 {
        word.withUTF8Buffer { letters in
            Self.head(unsafe Span(_unsafeElements: letters), 0, letters.count)
        }
    }

    /// Scans any value that starts at `start`, which must not be white space.
    public static func value(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        var builder = NoTape()
        return try JSONParser.value(bytes, start, into: &builder)
    }

    static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte &- 0x30)
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte &- 0x57)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte &- 0x37)
        default: nil
        }
    }
}
