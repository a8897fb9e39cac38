import NIOCore
import NeedletailCore

/// Takes a stream of JSON values, one a line, apart. Blank lines are passed over; a carriage return before the line feed
/// belongs to the line's end. The last line may lack its end.
struct LineDecoder: Sendable {
    private let maximumLineSize: Int
    private var buffer = ByteBuffer()
    /// How much of `buffer` holds no line feed.
    private var searched = 0
    private var consumed = 0

    init(maximumLineSize: Int = SSEDecoder.defaultMaximumEventSize) {
        self.maximumLineSize = maximumLineSize
    }

    /// The offset after the last whole line, from the start of all bytes fed so far.
    var boundary: Int { self.consumed }
    /// How many of the bytes fed belong to a line that has not ended.
    var pendingBytes: Int { self.buffer.readableBytes }

    mutating func feed(_ chunk: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = chunk
        } else {
            self.buffer.writeImmutableBuffer(chunk)
        }
    }

    /// The next whole line as an event without a name.
    ///
    /// - Throws: `.malformedReply` if a line is larger than allowed; then every time.
    mutating func next() throws(NeedletailError) -> SSEEvent? {
        while let end = self.lineEnd() {
            guard end <= self.maximumLineSize else { throw self.tooLarge }
            let line = self.buffer.readSlice(length: end) ?? ByteBuffer()
            self.buffer.moveReaderIndex(forwardBy: 1)
            self.consumed += end + 1
            self.searched = 0
            if let event = self.event(line) { return event }
        }
        guard self.buffer.readableBytes <= self.maximumLineSize else { throw self.tooLarge }
        return nil
    }

    /// The last line, if the stream ended without a line feed after it.
    mutating func finish() throws(NeedletailError) -> SSEEvent? {
        if let event = try self.next() { return event }
        let line = self.buffer
        self.consumed += line.readableBytes
        self.buffer = ByteBuffer()
        self.searched = 0
        return self.event(line)
    }

    private mutating func lineEnd() -> Int? {
        let from = self.searched
        let found = Self.lineFeed(self.buffer.readableBytesUInt8Span, from)
        if found == nil { self.searched = self.buffer.readableBytes }
        return found
    }

    private static func lineFeed(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        for index in start..<max(start, bytes.count) where bytes[index] == 0x0A { return index }
        return nil
    }

    private func event(_ line: ByteBuffer) -> SSEEvent? {
        var line = line
        while let last = line.readableBytesView.last, last == 0x0D || last == 0x20 || last == 0x09 {
            line.moveWriterIndex(to: line.writerIndex - 1)
        }
        guard line.readableBytes > 0 else { return nil }
        return SSEEvent(data: line, endOffset: self.consumed)
    }

    private var tooLarge: NeedletailError {
        NeedletailError(.malformedReply, "The provider sent a line of more than \(self.maximumLineSize) bytes.")
    }
}
