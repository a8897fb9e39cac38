public import NIOCore

/// A reply as it was sent, and what is known of it.
public struct CachedReply: Sendable {
    /// Who answered.
    public var provider: ProviderID
    /// The model that was asked, in the provider's words.
    public var model: String
    /// What translation could not carry.
    public var losses: [Loss]
    /// The type of the content, where it is neither JSON nor a stream.
    public var contentType: String?
    /// The dialect of the bytes.
    public var dialect: DialectID
    /// Whether the bytes are a stream's.
    public var isStream: Bool
    /// Whether the stream tells its usage where only the client's wish decides that.
    public var includesUsage: Bool
    /// The reply.
    public var bytes: ByteBuffer
    /// The tokens that it cost when it was made.
    public var usage: Usage?
    /// When it was kept, in seconds since 1970.
    public var created: Int64

    /// Creates a reply without bytes, which a layer fills in.
    public init(_ reply: InferenceReply, includesUsage: Bool, created: Int64) {
        self.provider = reply.provider
        self.model = reply.model
        self.losses = reply.losses
        self.contentType = reply.contentType
        self.dialect = .openAIChat
        self.isStream = false
        self.includesUsage = includesUsage
        self.bytes = ByteBuffer()
        self.created = created
    }
}
