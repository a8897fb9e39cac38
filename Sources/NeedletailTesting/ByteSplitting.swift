public import NIOCore

extension ByteBuffer {
    /// The bytes in pieces of `size`.
    public func split(every size: Int) -> [ByteBuffer] {
        var rest = self
        var pieces: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            guard let piece = rest.readSlice(length: min(max(1, size), rest.readableBytes)) else { break }
            pieces.append(piece)
        }
        return pieces
    }

    /// The bytes in two pieces, cut at `offset`.
    public func split(at offset: Int) -> [ByteBuffer] {
        var rest = self
        let head = rest.readSlice(length: min(offset, rest.readableBytes)) ?? ByteBuffer()
        return [head, rest]
    }
}
