import NIOCore
import Synchronization

/// A body whose chunks are all there.
final class StoredBody: TransportBodySource {
    private let chunks: Mutex<ArraySlice<ByteBuffer>>

    init(_ chunks: [ByteBuffer]) {
        self.chunks = Mutex(chunks[...])
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        self.chunks.withLock { $0.popFirst() }
    }

    func cancel() {
        self.chunks.withLock { $0 = [] }
    }
}
