public import NIOCore

/// One server-sent event.
public struct SSEEvent: Sendable, Hashable {
    /// The `event:` field; empty if there was none.
    public var name: ByteBuffer
    /// The `data:` fields, joined by line feeds.
    public var data: ByteBuffer
    /// The offset just after the event's last byte (its blank line, a CRLF whole if it came whole), from the start of all
    /// bytes fed so far.
    public var endOffset: Int

    /// Creates an event.
    public init(name: ByteBuffer = ByteBuffer(), data: ByteBuffer, endOffset: Int = 0) {
        self.name = name
        self.data = data
        self.endOffset = endOffset
    }
}
