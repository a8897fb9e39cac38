import NIOCore

/// Takes a body that a script gives as it is apart into what is sent at once.
enum MockRawPieces {
    /// As many pieces of equal size as `chunks` says; else, a stream event by event and everything else in one.
    static func split(_ raw: MockScriptedReply.RawBody, chunks: Int?) -> [ByteBuffer] {
        if let chunks, chunks > 1 { return Self.slices(raw.bytes, min(chunks, max(1, raw.bytes.readableBytes))) }
        guard raw.contentType.hasPrefix("text/event-stream") else { return [raw.bytes] }
        return Self.events(raw.bytes)
    }

    private static func slices(_ bytes: ByteBuffer, _ count: Int) -> [ByteBuffer] {
        var rest = bytes
        let size = bytes.readableBytes
        return (0..<count).compactMap { index in
            // Dividing first and adding the remainder's share keeps the products small.
            let share = size / count + (index < size % count ? 1 : 0)
            return rest.readSlice(length: share)
        }
    }

    /// Cuts after each blank line.
    private static func events(_ bytes: ByteBuffer) -> [ByteBuffer] {
        var pieces: [ByteBuffer] = []
        var rest = bytes
        var isLineEmpty = false
        var length = 0
        for byte in bytes.readableBytesView {
            length += 1
            switch byte {
            case 0x0A:
                if isLineEmpty, let piece = rest.readSlice(length: length) {
                    pieces.append(piece)
                    length = 0
                }
                isLineEmpty = true
            case 0x0D: break
            default: isLineEmpty = false
            }
        }
        if rest.readableBytes > 0 { pieces.append(rest) }
        return pieces
    }

    /// Where `place` lies; the mock does not read what it is given, so that only these places exist.
    static func offset(_ place: MockFault.Place, in pieces: [ByteBuffer]) -> Int? {
        let index: Int
        switch place {
        case .firstEvent: index = 0
        case .chunk(let number): index = number - 1
        case .beforeUsage:
            guard let found = pieces.lastIndex(where: { String(buffer: $0).contains("\"usage\":{") }) else {
                return nil
            }
            index = found
        case .beforeDone: index = pieces.count - 1
        case .connect, .headers, .toolArguments, .thinking: return nil
        }
        guard index >= 0, index < pieces.count else { return nil }
        return pieces[..<index].reduce(0) { $0 + $1.readableBytes }
    }
}
