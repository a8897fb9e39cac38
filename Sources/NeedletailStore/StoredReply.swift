import NIOCore
public import NeedletailCore

/// A reply of the cache as the store keeps it.
public struct StoredReply: Sendable {
    /// What it answers: a hash of all that questions are equal by.
    public var digest: [UInt8]
    /// Who shares it.
    public var scope: String
    /// The tenant; empty for none.
    public var tenant: String
    /// The client's end user; empty for none.
    public var user: String
    /// The model, as the client wrote it.
    public var model: String
    /// The reply.
    public var reply: CachedReply

    /// Creates a record.
    public init(digest: [UInt8], scope: String, tenant: String, user: String, model: String, reply: CachedReply) {
        self.digest = digest
        self.scope = scope
        self.tenant = tenant
        self.user = user
        self.model = model
        self.reply = reply
    }

    /// What a row takes besides its texts: keys, indices and their pages, generously.
    private static let overhead = 512

    /// About how many bytes it takes.
    public var size: Int { self.reply.bytes.readableBytes + Self.overhead }
}
