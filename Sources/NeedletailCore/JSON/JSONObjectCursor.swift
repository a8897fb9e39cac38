/// Steps through the members of one object while it is being checked, without a tape.
///
/// For each key that ``next(_:)`` returns, the caller scans the value at ``valueStart`` and says where it ended with
/// ``valueEnded(at:)``. The cursor holds no bytes: the same ones must be given to each call.
package struct JSONObjectCursor: Sendable {
    /// A key, quotes included.
    package struct Key: Sendable {
        /// Where it lies.
        package var range: Range<Int>
        /// Whether it must be unescaped before it is compared.
        package var hasEscapes: Bool
    }

    /// The offset of the current key's value.
    package private(set) var valueStart: Int
    /// The offset after the object, once ``next(_:)`` has returned `nil`.
    package private(set) var end: Int
    private var position: Int
    private var isFirst = true

    /// Starts at the opening brace at `start`.
    package init(at start: Int) {
        self.position = start &+ 1
        self.valueStart = start
        self.end = start
    }

    /// The next key; `nil` after the last member.
    package mutating func next(_ bytes: Span<UInt8>) throws(JSONError) -> Key? {
        var index = JSONScanner.skipWhitespace(bytes, self.position)
        guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        if bytes[index] == UInt8(ascii: "}") {
            self.end = index &+ 1
            return nil
        }
        if !self.isFirst {
            guard bytes[index] == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: index) }
            index = JSONScanner.skipWhitespace(bytes, index &+ 1)
            guard index < bytes.count else { throw JSONError(.unexpectedEnd, at: index) }
        }
        self.isFirst = false
        guard bytes[index] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: index) }
        let string = try JSONScanner.string(bytes, index)
        self.valueStart = try JSONScanner.colon(bytes, string.end)
        return Key(range: index..<string.end, hasEscapes: string.hasEscapes)
    }

    /// Goes on after a value.
    package mutating func valueEnded(at end: Int) {
        self.position = end
    }
}

extension JSONScanner {
    /// Whether `key` says `name`, however it is spelled.
    package static func isKey(_ bytes: Span<UInt8>, _ key: JSONObjectCursor.Key, _ name: StaticString) -> Bool {
        guard !key.hasEscapes else { return Self.text(bytes, key.range) == name.description }
        return key.range.count == name.utf8CodeUnitCount + 2 && Self.matches(bytes, key.range.lowerBound + 1, name)
    }

    /// A number as spelled, once it has been scanned.
    package static func spelling(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
        return text
    }
}
