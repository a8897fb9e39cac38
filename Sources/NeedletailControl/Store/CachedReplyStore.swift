import Crypto
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailRouting
import NeedletailStore
import Synchronization

/// The second level of the reply cache, in the store: for as long as the cache gives replies, within a bound of bytes. Off
/// unless configured.
///
/// Replies wait in a bounded queue and are written on the store's thread; what does not fit is left out and counted. They are
/// read on a thread and a connection of their own. Whatever goes wrong is a miss and a number: no request fails by it, and
/// none waits longer than the operator says.
final class CachedReplyStore: Sendable {
    /// The most bytes of requests and replies that wait.
    private static let mostBytes = 32 << 20
    /// The most replies that wait.
    private static let mostReplies = 4_096
    /// Replies in one transaction, and in one turn on the store's thread.
    static let batch = 64
    /// The most requests that wait for an answer at a time: behind a disk that stands still nobody else queues up.
    private static let mostLookups = 256
    /// How often what is too old is deleted.
    private static let sweep = Duration.seconds(60)

    struct Counts: Sendable, Hashable {
        var hits = 0
        var misses = 0
        /// Questions that the store did not answer in time, or that too many waited before.
        var late = 0
        /// Questions that it could not answer.
        var failed = 0
        var written = 0
        var dropped = 0
        var evicted = 0
        /// Bytes that are kept, about.
        var bytes = 0
    }

    private struct Settings {
        var lifetime: Duration
        var store: CacheStoreConfiguration
    }

    private struct State {
        var settings: Settings?
        var waiting: [(reply: CachedReply, question: ArchivedQuestion, fingerprint: [UInt8])] = []
        var waitingBytes = 0
        var lookups = 0
        var counts = Counts()
        var isReading = false
    }

    private let path: String
    private let state = Mutex(State())
    /// The connection that is read from; used on ``reader`` alone.
    private let connection = Mutex<SQLiteStore?>(nil)
    private let reader = NIOThreadPool(numberOfThreads: 1)
    private let time: TimeSource
    private let notice: StoreNotice

    init(_ path: String, _ configuration: Configuration, time: TimeSource, logger: Logger) {
        self.path = path
        self.time = time
        self.notice = StoreNotice(
            away: "The store's part of the reply cache cannot be used",
            back: "The store's part of the reply cache can be used again.", logger: logger)
        self.replace(configuration)
    }

    /// What a new configuration says.
    func replace(_ configuration: Configuration) {
        let settings = configuration.cache.flatMap { cache in
            configuration.cacheStore.map { Settings(lifetime: cache.lifetime, store: $0) }
        }
        let isFirst = self.state.withLock { state in
            state.settings = settings
            defer { state.isReading = state.isReading || settings != nil }
            return settings != nil && !state.isReading
        }
        if isFirst { self.reader.start() }
    }

    /// What a configuration's cache keeps its replies in; `nil` where they end with the process.
    func archive(for configuration: Configuration) -> (any ReplyArchive)? {
        guard configuration.cache != nil, configuration.cacheStore != nil else { return nil }
        // The same name may lead elsewhere in another configuration.
        let parts = Fingerprint([
            Fingerprint(of: configuration.providers.map(\.withoutCredentials)), Fingerprint(of: configuration.groups),
            Fingerprint(of: configuration.defaultGroup as Any), Fingerprint(of: configuration.experiments),
            Fingerprint(of: configuration.routes), Fingerprint(of: configuration.privacy),
        ])
        return Archive(store: self, fingerprint: parts.bytes)
    }

    var counts: Counts { self.state.withLock { $0.counts } }

    // MARK: Reading

    /// The replies of one configuration.
    private struct Archive: ReplyArchive {
        let store: CachedReplyStore
        let fingerprint: [UInt8]

        func find(_ question: ArchivedQuestion) async -> CachedReply? {
            await self.store.find(question, self.fingerprint)
        }

        func keep(_ reply: CachedReply, for question: ArchivedQuestion) {
            self.store.keep(reply, question, self.fingerprint)
        }
    }

    private static func digest(_ question: ArchivedQuestion, _ fingerprint: [UInt8]) -> [UInt8] {
        question.digest { bytes in
            var hash = SHA256()
            hash.update(data: fingerprint)
            unsafe bytes.withUnsafeReadableBytes { unsafe hash.update(bufferPointer: $0) }
            return Array(hash.finalize())
        }
    }

    private func find(_ question: ArchivedQuestion, _ fingerprint: [UInt8]) async -> CachedReply? {
        let wait = self.state.withLock { state -> Duration? in
            guard let settings = state.settings, state.lookups < Self.mostLookups else { return nil }
            state.lookups += 1
            return settings.store.wait
        }
        guard let wait else {
            self.state.withLock { $0.counts.late += 1 }
            return nil
        }
        let lookup = ReplyLookup()
        self.reader.submit { state in
            let found =
                switch state {
                case .active: self.read(Self.digest(question, fingerprint))
                case .cancelled: ReplyLookup.Answer.late
                }
            self.state.withLock { $0.lookups -= 1 }
            lookup.answer(found)
        }
        let answer = await lookup.value(until: self.time.now().advanced(by: wait), self.time)
        return self.state.withLock { state in
            switch answer {
            case .found(let reply):
                state.counts.hits += 1
                return reply
            case .absent: state.counts.misses += 1
            case .late: state.counts.late += 1
            case .failed: state.counts.failed += 1
            }
            return nil
        }
    }

    /// Looks a reply up, on the reader's thread.
    private func read(_ digest: [UInt8]) -> ReplyLookup.Answer {
        self.connection.withLock { connection in
            do throws(NeedletailError) {
                let store: SQLiteStore
                if let open = connection {
                    store = open
                } else {
                    store = try SQLiteStore(path: self.path, mode: .read, isChecked: false, isPatient: false)
                    connection = store
                }
                let found = try store.reply(digest)
                self.notice.note(nil)
                return found.map { .found($0) } ?? .absent
            } catch {
                // Opened anew for the next: the file may be another.
                connection = nil
                self.notice.note(error)
                return .failed
            }
        }
    }

    // MARK: Writing

    private func keep(_ reply: CachedReply, _ question: ArchivedQuestion, _ fingerprint: [UInt8]) {
        let size = reply.bytes.readableBytes + question.size
        self.state.withLock { state in
            guard state.settings != nil else { return }
            guard state.waiting.count < Self.mostReplies, state.waitingBytes + size <= Self.mostBytes else {
                state.counts.dropped += 1
                return
            }
            state.waitingBytes += size
            state.waiting.append((reply, question, fingerprint))
        }
    }

    /// How many calls of ``write(to:)`` it takes to write what waits now.
    var waitingBatches: Int { self.state.withLock { ($0.waiting.count + Self.batch - 1) / Self.batch } }

    /// Writes one batch of what waits, on the store's thread.
    ///
    /// - Returns: Whether more waits.
    @discardableResult
    func write(to file: SQLiteStore) -> Bool {
        let (batch, settings, before) = self.state.withLock { state in
            let batch = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(batch.count)
            state.waitingBytes -= batch.reduce(0) { $0 + $1.reply.bytes.readableBytes + $1.question.size }
            return (batch, state.settings, state.counts.bytes)
        }
        guard !batch.isEmpty else { return false }
        guard let settings else {
            // Switched off meanwhile: what was kept is deleted, and what waited is left out and counted.
            return self.state.withLock { state in
                state.counts.dropped += batch.count
                return !state.waiting.isEmpty
            }
        }
        let replies = batch.map { entry in
            StoredReply(
                digest: Self.digest(entry.question, entry.fingerprint), scope: entry.question.scope,
                tenant: entry.question.tenant ?? "", user: entry.question.user ?? "", model: entry.question.model,
                reply: entry.reply)
        }
        do throws(NeedletailError) {
            let done = try file.keep(replies, within: settings.store.maximumSize, before: before)
            self.notice.note(nil)
            return self.state.withLock { state in
                state.counts.written += replies.count
                state.counts.evicted += done.evicted
                state.counts.bytes = done.size
                return !state.waiting.isEmpty
            }
        } catch {
            self.notice.note(error)
            return self.state.withLock { state in
                state.counts.dropped += replies.count
                return !state.waiting.isEmpty
            }
        }
    }

    // MARK: Forgetting

    /// Forgets what waits to be written of a user.
    func eraseWaiting(user: String, tenant: String?) {
        self.removeWaiting { question, _ in
            question.user == user && (tenant == nil || question.tenant == tenant)
        }
    }

    private func removeWaiting(where isMeant: (ArchivedQuestion, CachedReply) -> Bool) {
        self.state.withLock { state in
            state.waiting.removeAll { isMeant($0.question, $0.reply) }
            state.waitingBytes = state.waiting.reduce(0) { $0 + $1.reply.bytes.readableBytes + $1.question.size }
        }
    }

    /// Forgets the replies of a scope, of a model, or all.
    ///
    /// - Parameter scope: Empty for every one.
    /// - Returns: How many were in the store.
    func purge(_ scope: String, model: String?, in store: GatewayStore) async throws(NeedletailError) -> Int? {
        guard let file = store.file, self.state.withLock({ $0.settings != nil }) else { return nil }
        var count = 0
        while true {
            let gone = try await store.perform { () throws(NeedletailError) in
                // On the thread that writes: what was taken to be written is in the file.
                self.removeWaiting { question, reply in
                    (scope.isEmpty || question.scope == scope)
                        && (model.map { question.model == $0 || reply.model == $0 } ?? true)
                }
                return try file.deleteReplies(scope: scope, model: model)
            }
            guard gone > 0 else { return count }
            count += gone
        }
    }

    /// Deletes what is too old, some of it at a time, and counts what is left; all of it where nothing is to be kept any more.
    func sweep(_ store: GatewayStore, _ file: SQLiteStore) async throws(NeedletailError) {
        let lifetime = self.state.withLock { $0.settings?.lifetime }
        let oldest = lifetime.map { self.time.wallSeconds() - $0.components.seconds } ?? .max
        while try await store.perform({ () throws(NeedletailError) in try file.deleteReplies(before: oldest) }) {}
        let size = try await store.perform { () throws(NeedletailError) in try file.replyCount().size }
        self.state.withLock { $0.counts.bytes = size }
    }

    /// Writes every second, and deletes every minute, until the task is cancelled.
    func run(_ store: GatewayStore, _ file: SQLiteStore) async {
        var swept: Instant?
        while !Task.isCancelled {
            let now = self.time.now()
            if swept.map({ now.duration(since: $0) >= Self.sweep }) ?? true {
                swept = now
                do throws(NeedletailError) { try await self.sweep(store, file) } catch { self.notice.note(error) }
            }
            for _ in 0..<self.waitingBatches {
                guard (try? await store.perform { () throws(NeedletailError) in self.write(to: file) }) == true else {
                    break
                }
            }
            do { try await self.time.sleep(now.advanced(by: .seconds(1))) } catch { return }
        }
    }

    /// Ends the reader's thread.
    func close() async {
        guard self.state.withLock({ $0.isReading }) else { return }
        try? await self.reader.shutdownGracefully()
    }
}
