import NIOCore

extension SSEDecoder {
    /// Passes over the byte-order mark; `false` until it is known whether there is one.
    mutating func skipStart() -> Bool {
        guard self.isAtStart else { return true }
        let matched = SSELine.markLength(self.chunk.readableBytesUInt8Span)
        // Shorter than a mark and so far like one: the next bytes decide.
        guard matched == 3 || matched < self.chunk.readableBytes else { return false }
        self.isAtStart = false
        if matched == 3 { self.advance(by: 3) }
        return true
    }

    mutating func advance(by count: Int) {
        self.position += count
        self.consumed += count
    }

    /// Steps over the end of a line, and over the second half of a CRLF if it is already there.
    mutating func endLine(_ bytes: Span<UInt8>, _ end: Int) {
        let next = end + 1
        let isReturn = bytes[end] == 0x0D
        let isPair = isReturn && next < bytes.count && bytes[next] == 0x0A
        self.isAfterCarriageReturn = isReturn && !isPair
        let target = isPair ? next + 1 : next
        self.consumed += target - self.position
        self.position = target
    }

    /// Puts the start of a line aside. Its bytes count as consumed.
    mutating func keep(_ chunk: ByteBuffer, _ range: Range<Int>) {
        if let slice = SSELine.slice(chunk, range) { self.partial.writeImmutableBuffer(slice) }
        self.advance(by: range.upperBound - self.position)
    }

    mutating func takePartial() {
        let line = self.partial
        self.partial = ByteBuffer()
        self.take(line, 0..<line.readableBytes)
    }

    /// Takes a line that is not blank.
    mutating func take(_ buffer: ByteBuffer, _ line: Range<Int>) {
        let bytes = buffer.readableBytesUInt8Span
        guard let field = SSELine.field(bytes, line) else { return }
        self.eventSize += line.count
        guard let value = SSELine.slice(buffer, field.value) else { return }
        if field.isName {
            self.name = value
        } else if self.data == nil {
            self.data = value
        } else {
            self.data?.writeInteger(UInt8(ascii: "\n"))
            self.data?.writeImmutableBuffer(value)
        }
    }

    /// Ends the event; `nil` if it has no data.
    mutating func dispatch() -> SSEEvent? {
        guard self.eventSize > 0 else { return nil }
        self.eventSize = 0
        let name = self.name
        self.name = ByteBuffer()
        guard let data = self.data else { return nil }
        self.data = nil
        return SSEEvent(name: name, data: data, endOffset: self.consumed)
    }

    /// - Parameter line: The length of the line at hand, as far as it has come.
    mutating func checkSize(_ line: Int) throws(NeedletailError) {
        guard self.isTooLarge || self.eventSize + line > self.maximumEventSize else { return }
        self.isTooLarge = true
        self.partial = ByteBuffer()
        self.data = nil
        throw NeedletailError(
            .malformedReply, "The provider sent an event larger than \(self.maximumEventSize) bytes.")
    }
}
