import NIOCore
public import NeedletailCore

extension DialectID {
    /// What takes a stream of the dialect apart into events.
    public func makeEventCutter() -> any StreamEventCutter { FramedEventCutter(self.dialect.framing) }
}

/// Takes a stream of any framing apart and keeps the bytes of each event.
struct FramedEventCutter: StreamEventCutter {
    private let framing: StreamFraming
    private var decoder: any EventDecoder
    /// The bytes after the last event.
    private(set) var rest = ByteBuffer()
    /// How many bytes came before them.
    private var consumed = 0

    init(_ framing: StreamFraming) {
        self.framing = framing
        self.decoder = framing.makeDecoder()
    }

    mutating func cut(_ chunk: ByteBuffer) throws(NeedletailError) -> [StreamPiece] {
        if self.rest.readableBytes == 0 { self.rest = chunk } else { self.rest.writeImmutableBuffer(chunk) }
        self.decoder.feed(chunk)
        var pieces: [StreamPiece] = []
        do throws(NeedletailError) {
            while let event = try self.decoder.next() {
                let size = event.endOffset - self.consumed
                guard let raw = self.rest.readSlice(length: size) else { break }
                self.consumed = event.endOffset
                pieces.append(StreamPiece(raw: raw, name: event.name, data: event.data))
            }
        } catch {
            // What came before it is good. A decoder that failed fails again, so the next call tells.
            if pieces.isEmpty { throw error }
        }
        return pieces
    }

    func rebuilt(_ piece: StreamPiece, data: ByteBuffer) -> ByteBuffer {
        switch self.framing {
        case .serverSentEvents: return Self.event(piece, data)
        case .lines:
            var out = data
            out.writeInteger(UInt8(ascii: "\n"))
            return out
        case .amazonEventStream: return EventStreamEncoder.rebuilt(piece.raw, payload: data) ?? piece.raw
        }
    }

    private static func event(_ piece: StreamPiece, _ data: ByteBuffer) -> ByteBuffer {
        var out = ByteBuffer()
        if piece.name.readableBytes > 0 {
            out.writeStaticString("event: ")
            out.writeImmutableBuffer(piece.name)
            out.writeStaticString("\n")
        }
        SSEEncoder.write(data: data, into: &out)
        return out
    }
}

extension EventStreamEncoder {
    /// A frame with the same headers and another payload; `nil` for what is no frame.
    static func rebuilt(_ frame: ByteBuffer, payload: ByteBuffer) -> ByteBuffer? {
        guard let headers = frame.getInteger(at: frame.readerIndex + 4, as: UInt32.self).map(Int.init),
            let head = frame.getSlice(
                at: frame.readerIndex + EventStreamFormat.preludeSize, length: headers)
        else { return nil }
        var out = ByteBuffer()
        let size = EventStreamFormat.overhead + headers + payload.readableBytes
        out.reserveCapacity(size)
        out.writeInteger(UInt32(truncatingIfNeeded: size))
        out.writeInteger(UInt32(truncatingIfNeeded: headers))
        out.writeInteger(CRC32.checksum(out))
        out.writeImmutableBuffer(head)
        out.writeImmutableBuffer(payload)
        out.writeInteger(CRC32.checksum(out))
        return out
    }
}
