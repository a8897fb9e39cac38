import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailStore
import Synchronization

/// Keeps the requests of the past on disk: written each second by a thread of its own, from a bounded buffer.
final class RequestHistory: Sendable {
    /// More requests than this do not wait for the disk.
    private static let capacity = 16_384
    /// How many are written at a time.
    private static let batch = 1_000
    static let interval = Duration.seconds(1)
    /// How many are forgotten at a time, so that nobody waits long for the file.
    private static let removal = 5_000

    /// The number of the last request that an earlier process kept.
    let last: UInt64
    /// The file.
    let path: String
    private let archive: RequestArchive
    private let retention: Mutex<Duration>
    private let queue = BatchQueue<RecentRequests.Entry>(capacity: RequestHistory.capacity)
    private let thread = NIOThreadPool(numberOfThreads: 1)
    private let hasFailed = Atomic<Bool>(false)
    private let time: TimeSource
    private let logger: Logger

    /// Opens the file.
    ///
    /// - Throws: `.unavailable` if it cannot be.
    init(path: String, retention: Duration, time: TimeSource, logger: Logger) throws(NeedletailError) {
        self.path = path
        self.archive = try RequestArchive(path: path)
        self.last = UInt64(max(0, try self.archive.newest()))
        self.retention = Mutex(retention)
        self.time = time
        self.logger = logger
    }

    /// Begins to write; called once.
    func begin() { self.thread.start() }

    /// Requests that were not kept because the disk was too slow or away.
    var dropped: Int { self.queue.dropped }

    /// Keeps requests for so long from now on.
    func replace(retention: Duration) { self.retention.withLock { $0 = retention } }

    /// Takes a request. Never waits.
    func push(_ entry: RecentRequests.Entry) { self.queue.push(entry) }

    /// Writes what waits.
    func flush() async {
        try? await self.thread.runIfActive { self.writeAll() }
    }

    private func writeAll() {
        while self.queue.count > 0 { self.write(self.queue.take(Self.batch)) }
    }

    private func write(_ entries: [RecentRequests.Entry]) {
        do throws(NeedletailError) {
            try self.archive.append(entries.map(Self.archived))
            self.hasFailed.store(false, ordering: .relaxed)
        } catch {
            self.queue.drop(entries.count)
            guard !self.hasFailed.exchange(true, ordering: .relaxed) else { return }
            self.logger.error("The history of requests cannot be written: \(error.message)")
        }
    }

    /// Forgets what is old enough, some of it at a time.
    func forget() async {
        let oldest = self.time.wallSeconds() - self.retention.withLock { $0.components.seconds }
        _ = try? await self.thread.runIfActive { try? self.archive.remove(before: oldest, limit: Self.removal) }
    }

    /// What is shown of older requests that fit, newest first.
    func page(
        _ filter: RequestFilter, before: UInt64, limit: Int
    ) throws(NeedletailError) -> [(number: Int64, row: String)] {
        try self.archive.page(filter.archive, before: Int64(clamping: before), limit: limit)
    }

    /// The whole story of a request, as JSON.
    func find(_ id: String) throws(NeedletailError) -> String? { try self.archive.find(id) }

    /// Writes what waits and ends the thread, soon. Nothing may be pushed after.
    func end() {
        // Also when the thread ends before it comes to that.
        self.thread.submit { _ in self.writeAll() }
        self.thread.shutdownGracefully { _ in }
    }

    /// Writes what waits and ends the thread.
    func close() async {
        await self.flush()
        try? await self.thread.shutdownGracefully()
    }

    private static func archived(_ entry: RecentRequests.Entry) -> ArchivedRequest {
        let record = entry.record
        var called = record.attempts.map(\.provider.rawValue)
        if let provider = record.provider?.rawValue, !called.contains(provider) { called.append(provider) }
        return ArchivedRequest(
            number: Int64(clamping: entry.number), second: record.endWallNanoseconds / 1_000_000_000, id: record.id,
            key: record.keyName, model: record.model, answeredModel: record.answeredModel, called: called,
            status: record.status, durationMilliseconds: record.duration.wholeNanoseconds / 1_000_000,
            picoDollars: record.cost.picoDollars, row: Self.text { $0.members(of: entry) },
            whole: Self.text { $0.story(of: entry) })
    }

    private static func text(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        json.beginObject()
        write(&json)
        json.endObject()
        return String(buffer: json.bytes)
    }
}

extension RequestFilter {
    fileprivate var archive: ArchiveFilter {
        var filter = ArchiveFilter()
        filter.key = self.key
        filter.model = self.model
        filter.provider = self.provider
        filter.statuses = self.statuses
        filter.slowerThan = self.slowerThan
        filter.dearerThan = self.dearerThan
        filter.since = self.since
        filter.until = self.until
        return filter
    }
}
