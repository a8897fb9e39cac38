public import NIOCore

/// What the cache must know of dialects.
public protocol CacheCodec: Sendable {
    /// What of a request decides about its reply; `nil` for one whose reply is not to be kept.
    func content(of request: InferenceRequest) -> CacheContent?

    /// A kept reply in the dialect and mode of a request; `nil` where it cannot be said so.
    ///
    /// - Parameters:
    ///   - content: What is asked, as ``content(of:)`` tells it.
    ///   - id: The request's id, for replies and calls that have none.
    func replay(
        _ reply: CachedReply, of content: CacheContent, for request: InferenceRequest, id: String
    ) -> CacheReplay?

    /// Whether the bytes of a stream are a whole reply.
    func isWhole(_ stream: ByteBuffer, _ dialect: DialectID) -> Bool
}

/// What is asked.
public enum CacheContent: Sendable, Hashable {
    /// A chat, whatever dialect it was written in.
    case chat(ChatRequest)
    /// Anything else, byte for byte.
    case other(DialectID, ByteBuffer)
}

/// A kept reply for one client.
public struct CacheReplay: Sendable {
    /// The reply.
    public var body: WireBody
    /// What the client's dialect cannot say of it.
    public var losses: [Loss]

    /// Creates a replay.
    public init(body: WireBody, losses: [Loss] = []) {
        self.body = body
        self.losses = losses
    }
}
