public import NIOCore

/// A string of a document that is compared with known words: their bytes are, and no `String` is made of it.
///
/// ```swift
/// switch event.present("type")?.word {
/// case "message_start": …
/// default: unknown(word.string)
/// }
/// ```
public struct JSONWord: Sendable {
    /// Without quotes and escapes.
    private let bytes: ByteBuffer

    /// Wraps UTF-8 as it is.
    public init(_ bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// Wraps a string.
    public init(_ string: String) {
        self.bytes = ByteBuffer(string: string)
    }

    /// The word as a string.
    public var string: String { String(buffer: self.bytes) }

    /// Whether it begins with `word`.
    public func hasPrefix(_ word: StaticString) -> Bool {
        self.bytes.readableBytes >= word.utf8CodeUnitCount
            && JSONScanner.matches(self.bytes.readableBytesUInt8Span, 0, word)
    }

    /// Whether it ends with `word`.
    public func hasSuffix(_ word: StaticString) -> Bool {
        let start = self.bytes.readableBytes - word.utf8CodeUnitCount
        return start >= 0 && JSONScanner.matches(self.bytes.readableBytesUInt8Span, start, word)
    }

    /// Whether `byte` is in it.
    public func contains(_ byte: UInt8) -> Bool {
        let bytes = self.bytes.readableBytesUInt8Span
        for index in 0..<bytes.count where bytes[index] == byte { return true }
        return false
    }

    /// Whether it is `word`, which makes words patterns of a `switch`.
    public static func ~= (word: StaticString, value: JSONWord) -> Bool { value == word }

    /// Whether it is `word`.
    public static func == (value: JSONWord, word: StaticString) -> Bool {
        value.bytes.readableBytes == word.utf8CodeUnitCount
            && JSONScanner.matches(value.bytes.readableBytesUInt8Span, 0, word)
    }
}
