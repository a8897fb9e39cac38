import NIOCore
import NeedletailCore

/// Writes frames of Amazon's event stream.
enum EventStreamEncoder {
    /// What a frame tells.
    enum Message {
        /// An event, by its type.
        case event(StaticString)
        /// A failure that ends the stream, by its type.
        case exception(StaticString)
    }

    /// Appends a frame with a JSON object as its payload.
    ///
    /// - Parameter members: Writes the members of the object.
    static func write(_ message: Message, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        let start = out.writerIndex
        out.writeRepeatingByte(0, count: EventStreamFormat.preludeSize)
        switch message {
        case .event(let type): Self.header(":event-type", type, into: &out)
        case .exception(let type): Self.header(":exception-type", type, into: &out)
        }
        Self.header(":content-type", "application/json", into: &out)
        switch message {
        case .event: Self.header(":message-type", "event", into: &out)
        case .exception: Self.header(":message-type", "exception", into: &out)
        }
        let headers = out.writerIndex - start - EventStreamFormat.preludeSize
        JSONWriter.append(to: &out, isOneLine: false) { json in
            json.beginObject()
            members(&json)
            json.endObject()
        }
        let size = out.writerIndex - start + 4
        out.setInteger(UInt32(truncatingIfNeeded: size), at: start)
        out.setInteger(UInt32(truncatingIfNeeded: headers), at: start + 4)
        let first = start - out.readerIndex
        out.setInteger(CRC32.checksum(out.readableBytesUInt8Span, in: first..<(first + 8)), at: start + 8)
        out.writeInteger(CRC32.checksum(out, from: first))
    }

    private static func header(_ name: StaticString, _ value: StaticString, into out: inout ByteBuffer) {
        out.writeInteger(UInt8(truncatingIfNeeded: name.utf8CodeUnitCount))
        out.writeStaticString(name)
        out.writeInteger(EventStreamHeaders.stringType)
        out.writeInteger(UInt16(truncatingIfNeeded: value.utf8CodeUnitCount))
        out.writeStaticString(value)
    }
}
