public import NIOCore

/// One JSON value as it was spelled: numbers keep their digits, objects their key order.
///
/// Values that come from a ``JSONView`` are known to be valid; the initialisers from strings trust their caller.
public struct JSONText: Sendable, Hashable, CustomStringConvertible {
    /// The text in UTF-8, without white space around it.
    public let bytes: ByteBuffer

    /// Wraps text that is known to be one JSON value.
    public init(unchecked bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// Wraps text that is known to be one JSON value.
    public init(unchecked text: String) {
        self.bytes = ByteBuffer(string: text)
    }

    /// Checks that `text` is one JSON value.
    ///
    /// - Throws: A ``JSONError`` that says where it is not.
    public init(_ text: String) throws(JSONError) {
        self = try JSONDocument(ByteBuffer(string: text)).root.text
    }

    /// A string as JSON.
    public init(string: String) {
        var writer = JSONWriter()
        writer.string(string)
        self.bytes = writer.bytes
    }

    /// A whole number as JSON.
    public init(_ number: Int) {
        self.init(unchecked: String(number))
    }

    /// The text.
    public var description: String { String(buffer: self.bytes) }

    /// The value, to look into. Never throws for text that came from a document.
    public func view() throws(JSONError) -> JSONView {
        try JSONDocument(self.bytes).root
    }
}
