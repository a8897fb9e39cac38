public import NeedletailCore
import Synchronization

/// Replies that were given, for requests that are equal.
public final class ResponseCache: Sendable {
    /// What the operator says.
    public struct Options: Sendable, Hashable {
        /// How long a reply is given again. Default 5 minutes.
        public var lifetime: Duration
        /// The bytes that all replies and their requests may take together, about. Default 64 MiB.
        public var maximumSize: Int
        /// The longest reply that is kept, in bytes. Default 1 MiB.
        public var maximumReplySize: Int

        /// Creates options.
        public init(
            lifetime: Duration = .seconds(300),
            maximumSize: Int = 64 << 20,
            maximumReplySize: Int = 1 << 20
        ) {
            self.lifetime = lifetime
            self.maximumSize = maximumSize
            self.maximumReplySize = maximumReplySize
        }
    }

    /// What has happened since the start.
    public struct Statistics: Sendable, Hashable {
        /// Requests that were answered from it.
        public var hits = 0
        /// Those of them whose question only meant the same.
        public var semanticHits = 0
        /// Requests that were looked for and not there.
        public var misses = 0
        /// Requests that were not looked for.
        public var bypasses = 0
        /// Replies that went to make room.
        public var evictions = 0
        /// Replies that are kept.
        public var entries = 0
        /// The bytes that they take with their requests, about.
        public var bytes = 0

        /// Nothing has happened.
        public init() {}
    }

    private struct State {
        var replies: ResponseCacheState
        var statistics = Statistics()
        /// How often something was forgotten.
        var epoch = 0
    }

    /// What the operator says.
    public let options: Options
    /// Replies that outlive the process; `nil` where none do.
    public let archive: (any ReplyArchive)?
    /// Replies to questions that mean the same; `nil` where only equal questions are equal.
    public let semantic: SemanticCache?
    private let time: TimeSource
    private let state: Mutex<State>

    /// Creates an empty cache.
    ///
    /// - Parameters:
    ///   - semantic: Replies to questions that mean the same; default none.
    ///   - archive: Replies that outlive the process; default none.
    public init(
        _ options: Options = Options(), semantic: SemanticCache? = nil, archive: (any ReplyArchive)? = nil,
        time: TimeSource
    ) {
        self.options = options
        self.archive = archive
        self.semantic = semantic
        self.time = time
        self.state = Mutex(
            State(replies: ResponseCacheState(maximumSize: options.maximumSize, lifetime: options.lifetime)))
    }

    /// What has happened, and what is kept now.
    public func statistics() -> Statistics {
        self.state.withLock { state in
            var statistics = state.statistics
            statistics.entries = state.replies.count
            statistics.bytes = state.replies.size
            return statistics
        }
    }

    /// Forgets the replies of a tenant, or of a client key that has none, or of a model; with nothing named, all.
    ///
    /// - Parameter model: The name that clients asked for, or the provider's own.
    /// - Returns: How many there were.
    @discardableResult
    public func purge(tenant: String? = nil, key: String? = nil, model: String? = nil) -> Int {
        let scope = CacheKey.scope(tenant: tenant, key: key)
        let isMeant: (CacheKey, CachedReply) -> Bool = { key, reply in
            (scope.isEmpty || key.scope == scope) && (model.map { key.model == $0 || reply.model == $0 } ?? true)
        }
        let count = self.forget(where: isMeant)
        return count + (self.semantic?.purge(where: isMeant) ?? 0)
    }

    /// Forgets the replies to an end user.
    ///
    /// - Parameter tenant: Only this tenant's user of that name; `nil` for all.
    /// - Returns: How many there were.
    public func erase(user: String, tenant: String?) -> Int {
        let isMeant: (CacheKey, CachedReply) -> Bool = { key, _ in
            key.user == user && (tenant == nil || key.tenant == tenant)
        }
        let count = self.forget(where: isMeant)
        return count + (self.semantic?.purge(where: isMeant) ?? 0)
    }

    private func forget(where isMeant: (CacheKey, CachedReply) -> Bool) -> Int {
        self.state.withLock { state in
            state.epoch += 1
            return state.replies.removeAll(where: isMeant)
        }
    }

    /// The reply for a key and how long it has been kept, in seconds.
    func find(_ key: CacheKey) -> (reply: CachedReply, age: Int64)? {
        let now = self.time.now()
        guard let reply = self.state.withLock({ $0.replies.find(key, now: now) }) else { return nil }
        return (reply, max(0, self.time.wallSeconds() - reply.created))
    }

    /// The archived reply to a question, and how long it has been kept, in seconds. It is in memory from now on, for what is
    /// left of its time.
    func findArchived(_ question: ArchivedQuestion) async -> (reply: CachedReply, age: Int64)? {
        let epoch = self.state.withLock { $0.epoch }
        guard let reply = await self.archive?.find(question) else { return nil }
        let age = max(0, self.time.wallSeconds() - reply.created)
        guard .seconds(age) < self.options.lifetime else { return nil }
        // What is forgotten while it is read does not come back.
        guard self.remember(reply, for: question.key, requestSize: question.size, age: age, epoch: epoch) else {
            return nil
        }
        return (reply, age)
    }

    /// - Parameter question: The same as `key`, where the reply is to outlive the process.
    func insert(_ reply: CachedReply, for key: CacheKey, requestSize: Int, question: ArchivedQuestion? = nil) {
        self.remember(reply, for: key, requestSize: requestSize, age: 0)
        if let question { self.archive?.keep(reply, for: question) }
    }

    /// - Parameters:
    ///   - age: In seconds.
    ///   - epoch: Only if nothing has been forgotten since.
    /// - Returns: Whether that is so.
    @discardableResult
    private func remember(
        _ reply: CachedReply, for key: CacheKey, requestSize: Int, age: Int64, epoch: Int? = nil
    ) -> Bool {
        let begin = self.time.now().advanced(by: .seconds(-age))
        return self.state.withLock { state in
            if let epoch, epoch != state.epoch { return false }
            state.statistics.evictions += state.replies.insert(reply, for: key, requestSize: requestSize, now: begin)
            return true
        }
    }

    func count(_ status: CacheStatus, isSemantic: Bool = false) {
        self.state.withLock { state in
            if isSemantic { state.statistics.semanticHits += 1 }
            switch status {
            case .hit: state.statistics.hits += 1
            case .miss: state.statistics.misses += 1
            case .bypass: state.statistics.bypasses += 1
            }
        }
    }

    /// The time now, in seconds since 1970.
    func wallSeconds() -> Int64 { self.time.wallSeconds() }
}
