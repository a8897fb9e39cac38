import NIOCore
import NeedletailCore

/// Reads a body that is neither JSON nor a chat's stream, and passes it on as it comes.
final class RelayReader: ReplyReader {
    private let body: TransportBody
    private var first: ByteBuffer?

    init(_ body: TransportBody) {
        self.body = body
    }

    /// Waits for the first bytes; what it throws has not reached anybody.
    func commit() async throws(NeedletailError) {
        self.first = try await self.body.next()
        if self.first == nil { throw NeedletailError(.malformedReply, "The provider sent an empty reply.") }
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        if let first = self.first {
            self.first = nil
            return first
        }
        return try await self.body.next()
    }
}
