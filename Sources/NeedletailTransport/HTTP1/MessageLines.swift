import NIOCore
import NeedletailCore

/// Puts the lines of a message's section together, each of which ends in CRLF and nothing else (RFC 9112, section 2.2).
struct MessageLines {
    /// The start of a line whose end has not come.
    private var partial = ByteBuffer()
    /// The bytes of the section so far.
    private var count = 0

    /// Begins a new section.
    mutating func restart() {
        self.count = 0
        if self.partial.readableBytes > 0 { self.partial = ByteBuffer() }
    }

    /// The next line without its CRLF, or `nil` if it has not all come.
    ///
    /// - Parameter limit: The most bytes of the whole section.
    mutating func next(_ bytes: inout ByteBuffer, limit: Int) throws(MalformedMessage) -> ByteBuffer? {
        let end = ByteSearch.lineFeed(bytes.readableBytesUInt8Span)
        let count = end.map { $0 + 1 } ?? bytes.readableBytes
        guard self.count + count <= limit else {
            throw MalformedMessage(reason: "sent a head or a line of more than \(limit) bytes")
        }
        self.count += count
        guard var line = bytes.readSlice(length: count) else { return nil }
        if self.partial.readableBytes > 0 {
            self.partial.writeBuffer(&line)
            guard end != nil else { return nil }
            line = self.partial
            self.partial = ByteBuffer()
        } else if end == nil {
            self.partial = line
            return nil
        }
        let length = line.readableBytes
        guard length >= 2, line.readableBytesUInt8Span[length - 2] == 0x0D else {
            throw MalformedMessage(reason: "sent a line that does not end in CRLF")
        }
        line.moveWriterIndex(to: line.writerIndex - 2)
        return line
    }
}
