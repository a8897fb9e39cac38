public import NIOCore

/// Takes a stream apart into events and puts changed ones together again, whatever its framing.
public protocol StreamEventCutter: Sendable {
    /// Takes the next bytes.
    ///
    /// - Returns: The events that are whole now; all bytes of the stream are in one of them, or in ``rest``.
    /// - Throws: `.malformedReply` for what cannot be taken apart.
    mutating func cut(_ chunk: ByteBuffer) throws(NeedletailError) -> [StreamPiece]

    /// What has been taken and is in no event.
    var rest: ByteBuffer { get }

    /// An event with other data.
    func rebuilt(_ piece: StreamPiece, data: ByteBuffer) -> ByteBuffer
}

/// An event of a stream, as it came.
public struct StreamPiece: Sendable {
    /// All of its bytes, what stands before it and is no event included.
    public var raw: ByteBuffer
    /// Its name; empty for none.
    public var name: ByteBuffer
    /// Its data, a JSON value or an end marker.
    public var data: ByteBuffer

    /// Creates a piece.
    public init(raw: ByteBuffer, name: ByteBuffer, data: ByteBuffer) {
        self.raw = raw
        self.name = name
        self.data = data
    }
}
