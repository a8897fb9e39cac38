import NIOCore

/// Frames of Amazon's event stream, as <https://smithy.io/2.0/aws/amazon-eventstream.html> has them.
enum MockEventStream {
    /// A frame with three headers: its type, the type of its payload, and what kind of message it is.
    static func frame(_ header: String, _ type: String, message: String, payload: ByteBuffer) -> ByteBuffer {
        var headers = ByteBuffer()
        for (name, value) in [(header, type), (":content-type", "application/json"), (":message-type", message)] {
            headers.writeInteger(UInt8(truncatingIfNeeded: name.utf8.count))
            headers.writeString(name)
            headers.writeInteger(7 as UInt8)  // a string
            headers.writeInteger(UInt16(truncatingIfNeeded: value.utf8.count))
            headers.writeString(value)
        }
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(truncatingIfNeeded: headers.readableBytes + payload.readableBytes + 16))
        frame.writeInteger(UInt32(truncatingIfNeeded: headers.readableBytes))
        frame.writeInteger(Self.checksum(frame))
        frame.writeImmutableBuffer(headers)
        frame.writeImmutableBuffer(payload)
        frame.writeInteger(Self.checksum(frame))
        return frame
    }

    /// CRC-32, bit by bit.
    private static func checksum(_ bytes: ByteBuffer) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes.readableBytesView {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }
}
