import NIOCore
import NeedletailCore

/// Rewrites a stream of server-sent events as one JSON array of their data: what Gemini sends to clients that do not ask
/// for `alt=sse` (<https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>).
///
/// An object: of a thousand streams hardly one needs it, and all would keep room for its parts.
final class JSONArrayStream {
    private var events = SSEDecoder()
    private var hasBegun = false

    /// The elements that `chunk` completes.
    ///
    /// - Throws: `.malformedReply` if an event is larger than allowed.
    func rewrite(_ chunk: ByteBuffer) throws(NeedletailError) -> ByteBuffer {
        self.events.feed(chunk)
        var out = ByteBuffer()
        while var event = try self.events.next() {
            out.writeString(self.hasBegun ? ",\r\n" : "[")
            self.hasBegun = true
            out.writeBuffer(&event.data)
        }
        return out
    }

    /// An array of one element, as Google sends an error in the place of such a stream.
    static func array(of element: ByteBuffer) -> ByteBuffer {
        var out = ByteBuffer(string: "[")
        out.writeImmutableBuffer(element)
        out.writeString("]")
        return out
    }

    /// What closes the array.
    func end() -> ByteBuffer {
        ByteBuffer(string: self.hasBegun ? "]" : "[]")
    }
}
