public import NIOCore

/// Writes server-sent events.
public enum SSEEncoder {
    /// Appends an event. Data with line breaks (CR, LF or CRLF) becomes several `data:` lines, which a reader joins by LF.
    public static func write(name: StaticString? = nil, data: ByteBuffer, into out: inout ByteBuffer) {
        if let name {
            out.writeStaticString("event: ")
            out.writeStaticString(name)
            out.writeStaticString("\n")
        }
        let bytes = data.readableBytesUInt8Span
        var start = 0
        while true {
            let end = SSELine.end(bytes, start)
            out.writeStaticString("data: ")
            if let line = SSELine.slice(data, start..<end) { out.writeImmutableBuffer(line) }
            guard end < bytes.count else { break }
            out.writeStaticString("\n")
            let isPair = bytes[end] == 0x0D && end + 1 < bytes.count && bytes[end + 1] == 0x0A
            start = isPair ? end + 2 : end + 1
        }
        out.writeStaticString("\n\n")
    }

    /// Appends a comment, which readers pass over: it keeps a connection alive.
    public static func writeComment(_ text: StaticString = "", into out: inout ByteBuffer) {
        out.writeStaticString(":")
        out.writeStaticString(text)
        out.writeStaticString("\n\n")
    }
}
