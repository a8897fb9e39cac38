import NIOCore
import NeedletailCore

/// Passes a stream on and keeps it when it has ended well.
final class CachingReader: ReplyReader {
    private var chunks: ReplyStream.Iterator
    private let maximumSize: Int
    /// What has passed; `nil` once it is too long.
    private var passed: ByteBuffer? = ByteBuffer()
    private let keep: (ByteBuffer) -> Void

    init(_ stream: ReplyStream, maximumSize: Int, keep: @escaping (ByteBuffer) -> Void) {
        self.chunks = stream.makeAsyncIterator()
        self.maximumSize = maximumSize
        self.keep = keep
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        let chunk: ByteBuffer?
        do { chunk = try await self.chunks.next() } catch {
            self.passed = nil
            throw error
        }
        guard let chunk else {
            if let passed = self.passed { self.keep(passed) }
            self.passed = nil
            return nil
        }
        if let length = self.passed?.readableBytes, length + chunk.readableBytes <= self.maximumSize {
            self.passed?.writeImmutableBuffer(chunk)
        } else {
            self.passed = nil
        }
        return chunk
    }
}

/// Gives a kept stream again, in pieces that a slow client can be given one by one.
final class ReplayReader: ReplyReader {
    /// Of the order of what one write to a socket takes.
    private static let pieceSize = 16 << 10
    private var rest: ByteBuffer

    init(_ bytes: ByteBuffer) {
        self.rest = bytes
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        let size = min(Self.pieceSize, self.rest.readableBytes)
        guard size > 0 else { return nil }
        return self.rest.readSlice(length: size)
    }
}
