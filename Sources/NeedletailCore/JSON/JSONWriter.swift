public import NIOCore

/// Writes JSON, value by value, with commas and quotes in their places.
///
/// ```swift
/// var json = JSONWriter()
/// json.beginObject()
/// json.key("model"); json.string("gpt-4o")
/// json.endObject()
/// ```
///
/// The caller keeps the order of calls (a key before each value of an object); the writer does not check it.
public struct JSONWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: ByteBuffer
    /// Whether the next key or array element needs a comma before it.
    private var needsComma = false
    /// Whether a line break between the tokens of a value that is written as it was spelled becomes a space, as streams
    /// need it whose events end with a line. No by default.
    public var isOneLine = false

    /// Starts with an empty buffer.
    public init() {
        self.bytes = ByteBuffer()
        self.bytes.reserveCapacity(Self.firstCapacity)
    }

    /// Room for a small object, so that the buffer does not grow byte by byte.
    private static let firstCapacity = 128

    /// Writes on at the end of `bytes`.
    public init(appendingTo bytes: ByteBuffer) {
        self.bytes = bytes
    }

    /// Runs `body` with a writer that appends to `out`.
    public static func append(
        to out: inout ByteBuffer, _ body: (inout JSONWriter) throws(NeedletailError) -> Void
    )
        throws(NeedletailError)
    {
        // Exchanged before and after: a second reference to the storage would make each write copy all of it.
        var writer = JSONWriter(appendingTo: ByteBuffer())
        swap(&writer.bytes, &out)
        defer { swap(&writer.bytes, &out) }
        try body(&writer)
    }

    /// The same for what cannot fail.
    ///
    /// - Parameter isOneLine: See ``isOneLine``.
    public static func append(to out: inout ByteBuffer, isOneLine: Bool, _ body: (inout JSONWriter) -> Void) {
        var writer = JSONWriter(appendingTo: ByteBuffer())
        writer.isOneLine = isOneLine
        swap(&writer.bytes, &out)
        body(&writer)
        swap(&writer.bytes, &out)
    }

    /// Opens an object.
    public mutating func beginObject() {
        self.separate()
        self.bytes.writeInteger(UInt8(ascii: "{"))
        self.needsComma = false
    }

    /// Closes an object.
    public mutating func endObject() {
        self.bytes.writeInteger(UInt8(ascii: "}"))
        self.needsComma = true
    }

    /// Opens an array.
    public mutating func beginArray() {
        self.separate()
        self.bytes.writeInteger(UInt8(ascii: "["))
        self.needsComma = false
    }

    /// Closes an array.
    public mutating func endArray() {
        self.bytes.writeInteger(UInt8(ascii: "]"))
        self.needsComma = true
    }

    /// Writes a key that needs no escaping.
    public mutating func key(_ key: StaticString) {
        key.withUTF8Buffer { text in
            unsafe JSONEscaping.writePlain(
                UnsafeRawBufferPointer(text), afterComma: self.needsComma, isKey: true, into: &self.bytes)
        }
        self.needsComma = false
    }

    /// Writes any key.
    public mutating func key(_ key: String) {
        self.quoted(key, isKey: true)
        self.needsComma = false
    }

    /// Writes a string.
    public mutating func string(_ string: String) {
        self.quoted(string, isKey: false)
        self.needsComma = true
    }

    /// Writes a string that needs no escaping.
    public mutating func string(_ string: StaticString) {
        string.withUTF8Buffer { text in
            unsafe JSONEscaping.writePlain(
                UnsafeRawBufferPointer(text), afterComma: self.needsComma, isKey: false, into: &self.bytes)
        }
        self.needsComma = true
    }

    /// Writes a whole number.
    public mutating func int(_ int: some FixedWidthInteger) {
        self.separate()
        if let small = UInt32(exactly: int) { self.digits(small) } else { self.bytes.writeString(String(int)) }
        self.needsComma = true
    }

    /// Nearly all numbers are small, and every event of a stream has some.
    private mutating func digits(_ number: UInt32) {
        var count = 1
        var rest = number / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        unsafe self.bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { target in
            // The target has room for `count` bytes at least.
            var rest = number
            for place in stride(from: count - 1, through: 0, by: -1) {
                unsafe target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            return count
        }
    }

    /// Writes a boolean.
    public mutating func bool(_ bool: Bool) {
        self.separate()
        self.bytes.writeStaticString(bool ? "true" : "false")
        self.needsComma = true
    }

    /// Writes `null`.
    public mutating func null() {
        self.separate()
        self.bytes.writeStaticString("null")
        self.needsComma = true
    }

    /// Writes a value as it was spelled.
    public mutating func raw(_ text: JSONText) {
        self.separate()
        var rest = text.bytes
        while self.isOneLine, let end = Self.lineBreak(rest) {
            if var line = rest.readSlice(length: end) { self.bytes.writeBuffer(&line) }
            self.bytes.writeInteger(UInt8(ascii: " "))
            rest.moveReaderIndex(forwardBy: 1)
        }
        self.bytes.writeBuffer(&rest)
        self.needsComma = true
    }

    /// The offset of the first line feed or carriage return.
    private static func lineBreak(_ bytes: ByteBuffer) -> Int? {
        let view = bytes.readableBytesView
        let feed = view.firstIndex(of: 0x0A)
        let first = view.prefix(upTo: feed ?? view.endIndex).firstIndex(of: 0x0D) ?? feed
        return first.map { $0 - view.startIndex }
    }

    /// Writes a key and a string, if there is one.
    public mutating func member(_ key: StaticString, _ value: String?) {
        guard let value else { return }
        self.key(key)
        self.string(value)
    }

    /// Writes a key and a number, if there is one.
    public mutating func member(_ key: StaticString, _ value: Int?) {
        guard let value else { return }
        self.key(key)
        self.int(value)
    }

    /// Writes a key and a boolean, if there is one.
    public mutating func member(_ key: StaticString, _ value: Bool?) {
        guard let value else { return }
        self.key(key)
        self.bool(value)
    }

    /// Writes a key and a value as spelled, if there is one.
    public mutating func member(_ key: StaticString, _ value: JSONText?) {
        guard let value else { return }
        self.key(key)
        self.raw(value)
    }

    private mutating func separate() {
        if self.needsComma { self.bytes.writeInteger(UInt8(ascii: ",")) }
    }

    /// Writes a quoted string; escapes what RFC 8259 section 7 demands and nothing else.
    private mutating func quoted(_ string: String, isKey: Bool) {
        var string = string
        string.withUTF8 { text in
            unsafe JSONEscaping.write(
                UnsafeRawBufferPointer(text), afterComma: self.needsComma, isKey: isKey, into: &self.bytes)
        }
    }
}
