import NeedletailCore

/// Steps through the members of a JSON object without building anything, checking the text as it goes.
///
/// After each ``next(_:)`` the caller scans the value at ``position`` and sets ``position`` to the offset after it.
struct OpenAIChatMembers {
    /// The offset of the value; after the last member, the offset after the object.
    var position: Int
    /// Where the key stands, without its quotes.
    private(set) var key: Range<Int> = 0..<0
    private var isFirst = true

    /// Begins at the object's opening brace.
    init(_ bytes: Span<UInt8>, at start: Int) throws(JSONError) {
        guard start < bytes.count else { throw JSONError(.unexpectedEnd, at: start) }
        guard bytes[start] == UInt8(ascii: "{") else { throw JSONError(.unexpectedByte, at: start) }
        self.position = start + 1
    }

    /// Goes to the next member; `false` at the end of the object.
    mutating func next(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        var index = JSONScanner.skipWhitespace(bytes, self.position)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        if bytes[index] == UInt8(ascii: "}") {
            self.position = index + 1
            return false
        }
        if !self.isFirst {
            guard bytes[index] == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: index) }
            index = JSONScanner.skipWhitespace(bytes, index + 1)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        }
        self.isFirst = false
        guard bytes[index] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: index) }
        let end = try JSONScanner.string(bytes, index).end
        self.key = (index + 1)..<(end - 1)
        index = JSONScanner.skipWhitespace(bytes, end)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        guard bytes[index] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: index) }
        self.position = JSONScanner.skipWhitespace(bytes, index + 1)
        guard self.position < bytes.count else { throw JSONError(.unexpectedEnd, at: self.position) }
        return true
    }

    /// Whether the key is `name`. A key spelled with escapes is none that anybody looks for.
    func hasKey(_ name: StaticString, _ bytes: Span<UInt8>) -> Bool {
        Self.equals(bytes, self.key, name)
    }

    /// Whether the bytes in `range` are `word`.
    static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard range.count == count, range.upperBound <= bytes.count else { return false }
        return word.withUTF8Buffer { letters in
            for offset in 0..<count where unsafe bytes[range.lowerBound &+ offset] != letters[offset] { return false }
            return true
        }
    }
}
