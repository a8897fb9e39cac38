import NIOCore
import NeedletailCore

/// Takes Amazon's event stream apart, checking both checksums of every frame.
///
/// An event's name is the frame's `:event-type`; of a failure it is ``EventStreamFormat/failurePrefix`` with the
/// `:exception-type` or `:error-code`. Its data is the payload; of an error, which has none of its own,
/// `{"message": …}` with the `:error-message`.
struct EventStreamDecoder: Sendable {
    private let maximumFrameSize: Int
    private var buffer = ByteBuffer()
    private var consumed = 0
    /// The size of the frame at the start of `buffer`, once its prelude has been checked.
    private var frame: (size: Int, headers: Int)?
    private var failure: NeedletailError?

    /// - Parameter maximumFrameSize: In bytes, headers and checksums included.
    init(maximumFrameSize: Int = SSEDecoder.defaultMaximumEventSize) {
        self.maximumFrameSize = maximumFrameSize
    }

    /// The offset after the last whole frame, from the start of all bytes fed so far.
    var boundary: Int { self.consumed }
    /// How many of the bytes fed belong to a frame that is not whole.
    var pendingBytes: Int { self.buffer.readableBytes }

    mutating func feed(_ chunk: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = chunk
        } else {
            self.buffer.writeImmutableBuffer(chunk)
        }
    }

    /// The next whole frame.
    ///
    /// - Throws: `.malformedReply` for a wrong checksum, lengths that do not fit, a frame larger than allowed, or what is
    ///   no header; then every time, since nothing tells where the next frame begins.
    mutating func next() throws(NeedletailError) -> SSEEvent? {
        if let failure = self.failure { throw failure }
        do {
            guard let frame = try self.prelude(), self.buffer.readableBytes >= frame.size else { return nil }
            let event = try self.event(frame.size, headers: frame.headers)
            self.buffer.moveReaderIndex(forwardBy: frame.size)
            self.frame = nil
            return event
        } catch {
            self.failure = error
            throw error
        }
    }

    /// A frame that is not whole is none: its checksum is missing.
    mutating func finish() throws(NeedletailError) -> SSEEvent? {
        try self.next()
    }

    /// Reads and checks the lengths as soon as they are there, before anything is kept on their word.
    private mutating func prelude() throws(NeedletailError) -> (size: Int, headers: Int)? {
        if let frame = self.frame { return frame }
        guard let (size, headers, crc) = self.buffer.peekMultipleIntegers(as: (UInt32, UInt32, UInt32).self) else {
            return nil
        }
        guard CRC32.checksum(self.buffer.readableBytesUInt8Span, in: 0..<8) == crc else {
            throw Self.malformed("The provider sent a frame whose prelude has a wrong checksum.")
        }
        let (whole, inner) = (Int(size), Int(headers))
        guard inner <= EventStreamFormat.maximumHeaderSize, whole >= inner + EventStreamFormat.overhead else {
            throw Self.malformed("The provider sent a frame whose lengths do not fit.")
        }
        guard whole <= self.maximumFrameSize else {
            throw Self.malformed("The provider sent a frame of more than \(self.maximumFrameSize) bytes.")
        }
        self.frame = (whole, inner)
        return self.frame
    }

    private mutating func event(_ size: Int, headers: Int) throws(NeedletailError) -> SSEEvent {
        let names = try Self.names(self.buffer.readableBytesUInt8Span, size, headers)
        let start = EventStreamFormat.preludeSize + headers
        self.consumed += size
        let payload = self.slice(start..<(size - 4))
        guard names.isFailure else {
            return SSEEvent(
                name: names.event.map { self.slice($0) } ?? ByteBuffer(), data: payload, endOffset: self.consumed)
        }
        var name = ByteBuffer()
        name.writeStaticString(EventStreamFormat.failurePrefix)
        if let type = names.errorCode ?? names.exception { name.writeImmutableBuffer(self.slice(type)) }
        guard let message = names.errorMessage else {
            return SSEEvent(name: name, data: payload, endOffset: self.consumed)
        }
        var json = JSONWriter()
        json.beginObject()
        json.member("message", String(buffer: self.slice(message)))
        json.endObject()
        return SSEEvent(name: name, data: json.bytes, endOffset: self.consumed)
    }

    /// Where the headers are that tell what a frame is.
    private struct Names {
        var event: Range<Int>?
        var exception: Range<Int>?
        var errorCode: Range<Int>?
        var errorMessage: Range<Int>?
        var isFailure = false
    }

    /// Checks a frame and finds its names.
    private static func names(_ bytes: Span<UInt8>, _ size: Int, _ length: Int) throws(NeedletailError) -> Names {
        let end = size - 4
        var crc: UInt32 = 0
        for index in end..<size { crc = crc << 8 | UInt32(bytes[index]) }
        guard CRC32.checksum(bytes, in: 0..<end) == crc else {
            throw Self.malformed("The provider sent a frame with a wrong checksum.")
        }
        let start = EventStreamFormat.preludeSize
        var headers = EventStreamHeaders(in: start..<(start + length))
        var names = Names()
        while true {
            guard let isThere = headers.next(bytes) else {
                throw Self.malformed("The provider sent a frame whose headers cannot be read.")
            }
            guard isThere else { return names }
            if headers.isString(":event-type", bytes) {
                names.event = headers.value
            } else if headers.isString(":exception-type", bytes) {
                names.exception = headers.value
            } else if headers.isString(":error-code", bytes) {
                names.errorCode = headers.value
            } else if headers.isString(":error-message", bytes) {
                names.errorMessage = headers.value
            } else if headers.isString(":message-type", bytes) {
                names.isFailure =
                    EventStreamHeaders.equals(bytes, headers.value, "exception")
                    || EventStreamHeaders.equals(bytes, headers.value, "error")
            }
        }
    }

    private func slice(_ range: Range<Int>) -> ByteBuffer {
        let start = self.buffer.readerIndex + range.lowerBound
        return self.buffer.getSlice(at: start, length: range.count) ?? ByteBuffer()
    }

    private static func malformed(_ message: String) -> NeedletailError {
        NeedletailError(.malformedReply, message)
    }
}
