public import NIOCore

/// Takes a byte stream apart into server-sent events, wherever it was split.
///
/// Follows the WHATWG HTML standard, section 9.2.6: lines end in CR, LF or CRLF; a byte-order mark at the start is
/// skipped; `data:` lines are joined by LF; comments and unknown fields are passed over; an event is dispatched at a
/// blank line if it has data. Unlike a browser it hands out, on ``finish()``, a last event that has no blank line, since
/// providers leave it out.
///
/// A blank line that ends in CR is complete at once, since nothing else may follow for a while. If the LF of its CRLF is
/// in a later chunk, it lies after the event's ``SSEEvent/endOffset`` and is passed over; ``boundary`` counts it in.
///
/// Every byte is looked at once. An event that lies in one chunk is a slice of it; only a line that was split is copied.
public struct SSEDecoder: Sendable {
    /// An event larger than this is an error: 16 MiB, room for an inline image.
    public static let defaultMaximumEventSize = 16 << 20

    let maximumEventSize: Int
    /// The bytes fed last; those before `position` are taken apart. Never written to while it is the caller's.
    var chunk = ByteBuffer()
    var position = 0
    /// The start of a line whose end has not come.
    var partial = ByteBuffer()
    /// What ``SSEEvent/endOffset`` counts: the bytes of all lines taken so far.
    var consumed = 0
    var name = ByteBuffer()
    var data: ByteBuffer?
    var eventSize = 0
    var isAtStart = true
    var isAfterCarriageReturn = false
    var isTooLarge = false

    /// Creates a decoder.
    ///
    /// - Parameter maximumEventSize: In bytes, all `data` and `event` lines of an event together; also the longest line
    ///   of any kind.
    public init(maximumEventSize: Int = Self.defaultMaximumEventSize) {
        self.maximumEventSize = maximumEventSize
    }

    /// Adds bytes; then call ``next()`` until it returns `nil`.
    public mutating func feed(_ chunk: ByteBuffer) {
        if self.position < self.chunk.readableBytes {
            self.chunk.moveReaderIndex(forwardBy: self.position)
            self.chunk.writeImmutableBuffer(chunk)
        } else {
            self.chunk = chunk
        }
        self.position = 0
    }

    /// The next whole event, or `nil` until more bytes come.
    ///
    /// - Throws: `.malformedReply` if an event is larger than allowed; then every time.
    public mutating func next() throws(NeedletailError) -> SSEEvent? {
        guard self.position < self.chunk.readableBytes else { return nil }
        guard self.skipStart() else { return nil }
        let chunk = self.chunk
        let bytes = chunk.readableBytesUInt8Span
        while self.position < bytes.count {
            if self.isAfterCarriageReturn {
                self.isAfterCarriageReturn = false
                if bytes[self.position] == 0x0A {
                    let endsBlankLine = self.boundary == self.consumed
                    self.advance(by: 1)
                    if endsBlankLine { self.boundary = self.consumed }
                    continue
                }
            }
            let start = self.position
            let end = SSELine.end(bytes, start)
            try self.checkSize(self.partial.readableBytes + (end - start))
            guard end < bytes.count else {
                self.keep(chunk, start..<end)
                return nil
            }
            if end == start, self.partial.readableBytes == 0 {
                self.endLine(bytes, end)
                self.boundary = self.consumed
                if let event = self.dispatch() { return event }
            } else if self.partial.readableBytes == 0 {
                self.take(chunk, start..<end)
                self.endLine(bytes, end)
            } else {
                self.keep(chunk, start..<end)
                self.takePartial()
                self.endLine(bytes, end)
            }
        }
        return nil
    }

    /// The last events, if the stream ended without a blank line after them; call it until it returns `nil`.
    public mutating func finish() throws(NeedletailError) -> SSEEvent? {
        self.isAtStart = false  // what looks like the start of a byte-order mark will not become one
        if let event = try self.next() { return event }
        if self.partial.readableBytes > 0 { self.takePartial() }
        self.boundary = self.consumed
        return self.dispatch()
    }

    /// Whether an event has begun and not ended.
    public var isInsideEvent: Bool {
        self.eventSize > 0 || self.partial.readableBytes > 0 || self.position < self.chunk.readableBytes
    }

    /// The offset after the last blank line, from the start of all bytes fed so far: whatever stands before it, comments
    /// and belated line feeds included, is whole and can be relayed.
    ///
    /// It is the last event's ``SSEEvent/endOffset`` or more. It is more after events without data, and after a line
    /// feed that came in a later chunk than its carriage return.
    public private(set) var boundary = 0

    /// How many of the bytes fed lie after ``boundary``: the part of an event that a relay has to hold back.
    public var pendingBytes: Int { self.consumed + (self.chunk.readableBytes - self.position) - self.boundary }
}
