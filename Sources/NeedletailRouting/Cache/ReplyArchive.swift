public import NIOCore
public import NeedletailCore
import Synchronization

/// The second level of the reply cache: replies that outlive the process. Asked only for what is not in memory.
///
/// Whatever is wrong with it is a miss: it fails no request and keeps none waiting for long.
public protocol ReplyArchive: Sendable {
    /// The reply to a question; `nil` for none that can be had now. It may be older than the cache gives replies.
    func find(_ question: ArchivedQuestion) async -> CachedReply?
    /// Keeps a reply, in the place of one that was there. Returns at once.
    func keep(_ reply: CachedReply, for question: ArchivedQuestion)
}

/// What a kept reply answers, and whose it is.
public final class ArchivedQuestion: Sendable {
    let key: CacheKey
    /// About how many bytes the request takes.
    public let size: Int
    private let digest = Mutex<[UInt8]?>(nil)

    init(_ key: CacheKey, size: Int) {
        self.key = key
        self.size = size
    }

    /// Who shares the reply: a tenant, or a client key without one.
    public var scope: String { self.key.scope }
    /// The tenant; `nil` for none.
    public var tenant: String? { self.key.tenant }
    /// The client's end user; `nil` for none.
    public var user: String? { self.key.user }
    /// The model, as the client wrote it.
    public var model: String { self.key.model }

    /// A hash of everything that questions are equal by; made once. Reads the whole request: not for an event loop.
    public func digest(_ hash: (ByteBuffer) -> [UInt8]) -> [UInt8] {
        if let known = self.digest.withLock({ $0 }) { return known }
        var bytes = ByteBuffer()
        CanonicalBytes.write(self.key, into: &bytes)
        let made = hash(bytes)
        self.digest.withLock { $0 = made }
        return made
    }

    /// Whose a key's replies are, as ``scope`` has it; empty for everybody's.
    public static func scope(tenant: String?, key: String?) -> String {
        CacheKey.scope(tenant: tenant, key: key)
    }
}
