import NIOCore
import NeedletailCore

/// Puts what was taken out of a request back into a streamed reply.
///
/// A placeholder may be split over several events. Then all events from the first of them on are held back until it is whole,
/// or turns out to be none: nothing is made up, and but for the values every byte goes on as it came. What is held is
/// bounded; beyond that a placeholder stays as it is, which is never a leak.
final class RestoringReader: ReplyReader {
    /// The most events that are held back. A placeholder of 16 letters needs no more of its own; others may come between.
    private static let mostHeld = 64
    private static let mostBytes = 256 << 10

    /// A placeholder that has begun in an event that is held.
    private struct Open {
        /// Where the events that go on with it say so.
        var channel: String
        /// So much of it as came.
        var text: [UInt8]
        /// Where it stands in the data of the events that are held, by their place.
        var parts: [(event: Int, range: Range<Int>)]
    }

    private var chunks: ReplyStream.Iterator
    private let placeholders: Placeholders
    private var cutter: any StreamEventCutter
    private var held: [StreamPiece] = []
    private var heldBytes = 0
    private var open: Open?
    private var failure: NeedletailError?
    private var isOver = false
    /// Whether the stream can be taken apart no longer and passes as it is.
    private var isRaw = false

    init(_ stream: ReplyStream, _ placeholders: Placeholders, _ cutter: any StreamEventCutter) {
        self.chunks = stream.makeAsyncIterator()
        self.placeholders = placeholders
        self.cutter = cutter
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        var out = ByteBuffer()
        while out.readableBytes == 0 {
            if let failure = self.failure { throw failure }
            guard !self.isOver else { return nil }
            do {
                guard let chunk = try await self.chunks.next() else {
                    self.isOver = true
                    self.release(&out)
                    // A raw stream's was written when it became one.
                    if !self.isRaw { out.writeImmutableBuffer(self.cutter.rest) }
                    break
                }
                self.take(chunk, &out)
            } catch {
                // What was held is good, and comes before what broke the stream.
                self.failure = error
                self.release(&out)
            }
        }
        return out.readableBytes > 0 ? out : nil
    }

    private func take(_ chunk: ByteBuffer, _ out: inout ByteBuffer) {
        guard !self.isRaw else {
            out.writeImmutableBuffer(chunk)
            return
        }
        do throws(NeedletailError) {
            for piece in try self.cutter.cut(chunk) { self.take(piece, &out) }
        } catch {
            // Whoever reads the bytes tells what is wrong with them.
            self.release(&out)
            out.writeImmutableBuffer(self.cutter.rest)
            self.isRaw = true
        }
    }

    private func take(_ piece: StreamPiece, _ out: inout ByteBuffer) {
        var piece = piece
        if let restored = self.placeholders.restored(piece.data) { self.change(&piece, restored) }
        if self.open != nil { self.goOn(&piece, &out) }
        if self.open != nil { return self.hold(piece, &out) }
        if let tail = self.tail(of: piece) {
            self.open = tail
            return self.hold(piece, &out)
        }
        out.writeImmutableBuffer(piece.raw)
    }

    private func change(_ piece: inout StreamPiece, _ data: ByteBuffer) {
        let raw = self.cutter.rebuilt(piece, data: data)
        piece.raw = raw
        piece.data = data
    }

    private func hold(_ piece: StreamPiece, _ out: inout ByteBuffer) {
        self.held.append(piece)
        self.heldBytes += piece.raw.readableBytes
        if self.held.count > Self.mostHeld || self.heldBytes > Self.mostBytes { self.release(&out) }
    }

    private func release(_ out: inout ByteBuffer) {
        for piece in self.held { out.writeImmutableBuffer(piece.raw) }
        self.held = []
        self.heldBytes = 0
        self.open = nil
    }

    // MARK: Placeholders in parts

    /// Looks whether an event goes on with the placeholder that is open, and settles it where it does.
    private func goOn(_ piece: inout StreamPiece, _ out: inout ByteBuffer) {
        guard var open = self.open, let text = StreamTexts(piece.data).first(where: { $0.channel == open.channel }),
            !text.range.isEmpty
        else { return }
        let data = piece.data
        let bytes = data.readableBytesUInt8Span
        var count = 0
        while count < text.range.count {
            open.text.append(bytes[text.range.lowerBound + count])
            count += 1
            if open.text.last == UInt8(ascii: "]") { break }
            guard self.placeholders.begins(with: open.text) else { return self.release(&out) }
        }
        open.parts.append((self.held.count, text.range.lowerBound..<(text.range.lowerBound + count)))
        guard open.text.last == UInt8(ascii: "]") else {
            self.open = open
            return
        }
        guard let whole = self.placeholders.restored(ByteBuffer(bytes: open.text)) else { return self.release(&out) }
        self.settle(open, whole, &piece, &out)
    }

    /// Writes the value where the placeholder began, and takes its other parts away.
    private func settle(_ open: Open, _ value: ByteBuffer, _ piece: inout StreamPiece, _ out: inout ByteBuffer) {
        for (number, part) in open.parts.enumerated() {
            var splice = JSONSplice()
            splice.replace(part.range, with: number == 0 ? value : ByteBuffer())
            if part.event < self.held.count {
                var earlier = self.held[part.event]
                let data = splice.applied(to: earlier.data)
                self.change(&earlier, data)
                self.held[part.event] = earlier
            } else {
                let data = splice.applied(to: piece.data)
                self.change(&piece, data)
            }
        }
        self.release(&out)
    }

    /// The placeholder that begins at the end of one of an event's texts.
    private func tail(of piece: StreamPiece) -> Open? {
        let data = piece.data
        let bytes = data.readableBytesUInt8Span
        var hasBracket = false
        for index in bytes.indices where bytes[index] == UInt8(ascii: "[") { hasBracket = true }
        guard hasBracket else { return nil }
        for text in StreamTexts(piece.data) {
            var start = text.range.upperBound - 1
            while start > text.range.lowerBound, text.range.upperBound - start < 20, bytes[start] != UInt8(ascii: "[") {
                start -= 1
            }
            guard start >= text.range.lowerBound, bytes[start] == UInt8(ascii: "[") else { continue }
            var tail: [UInt8] = []
            for index in start..<text.range.upperBound { tail.append(bytes[index]) }
            guard self.placeholders.begins(with: tail) else { continue }
            return Open(
                channel: text.channel, text: tail, parts: [(self.held.count, start..<text.range.upperBound)])
        }
        return nil
    }
}
