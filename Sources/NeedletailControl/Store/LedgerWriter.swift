public import Logging
public import NIOPosix
public import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import Synchronization

/// Writes every call into the ledger, in batches and on a thread of its own, so that no request waits for the disk.
///
/// What it cannot write it keeps, see ``LedgerBuffer``, and tries again; the operator is told when that begins and ends.
public final class LedgerWriter: RequestObserver {
    /// Lines in one transaction.
    static let batch = 1_024

    private struct State {
        var buffer: LedgerBuffer
    }

    private let store: any LedgerStore
    private let thread: NIOThreadPool
    private let state: Mutex<State>
    private let interval: Duration
    private let retention: Duration?
    private let time: TimeSource
    private let notice: StoreNotice
    /// Gives what is to be booked of budgets together with the lines, and takes it back if that fails.
    private let changes: BudgetBookkeeping

    /// What budgets have to be booked.
    public struct BudgetBookkeeping: Sendable {
        /// Takes what is due; at the end all that is not needed, too.
        public var take: @Sendable (_ isClosing: Bool) -> [BudgetChange]
        /// Puts back what could not be booked.
        public var putBack: @Sendable ([BudgetChange]) -> Void

        /// Creates a source.
        public init(
            take: @escaping @Sendable (_ isClosing: Bool) -> [BudgetChange] = { _ in [] },
            putBack: @escaping @Sendable ([BudgetChange]) -> Void = { _ in }
        ) {
            self.take = take
            self.putBack = putBack
        }
    }

    /// Creates a writer.
    ///
    /// - Parameters:
    ///   - store: Where lines go.
    ///   - thread: One thread, which may block; the caller starts and stops it.
    ///   - configuration: How long lines wait, and how many.
    ///   - changes: What budgets have to be booked.
    ///   - time: For the lines' times and the pauses.
    ///   - logger: Where to say that the store is away.
    public init(
        store: any LedgerStore,
        thread: NIOThreadPool,
        configuration: StoreConfiguration,
        changes: BudgetBookkeeping = BudgetBookkeeping(),
        time: TimeSource,
        logger: Logger
    ) {
        self.store = store
        self.thread = thread
        self.state = Mutex(State(buffer: LedgerBuffer(limit: configuration.bufferLimit, batchSize: Self.batch)))
        self.interval = configuration.flushInterval
        self.retention = configuration.ledgerRetention
        self.changes = changes
        self.time = time
        self.notice = StoreNotice(
            away: "The ledger cannot be written; lines wait until it can", back: "The ledger is written again.",
            logger: logger)
    }

    /// Lines that wait.
    public var waiting: Int { self.state.withLock { $0.buffer.count } }

    /// See ``RequestObserver/attemptEnded(_:)``.
    public func attemptEnded(_ attempt: AttemptRecord) {
        guard attempt.operation.isBilled, attempt.wasSent else { return }
        var line = LedgerLine(attempt, wallMilliseconds: self.time.wallNanoseconds() / 1_000_000)
        self.state.withLock { state in
            // Counted here, so that lines are written in the order of their count.
            line.siblings = Self.siblings(of: attempt)
            state.buffer.append(line)
        }
    }

    /// What is known of the request's other lines when an attempt ends.
    private static func siblings(of attempt: AttemptRecord) -> LedgerLine.Siblings {
        let earlier = attempt.request.countLedgerLine()
        guard earlier == 0 else { return .earlier(earlier) }
        // After a reply nobody is asked again; beside it, only who was counted before.
        guard case .finished = attempt.outcome.end, attempt.number == 1, attempt.request.attempts <= 1 else {
            return .later
        }
        return .none
    }

    /// Writes what waits until the task is cancelled; what is left then is written by ``flush()``.
    public func run() async {
        var lastSweep: Instant?
        while !Task.isCancelled {
            let now = self.time.now()
            do { try await self.time.sleep(now.advanced(by: self.interval)) } catch { return }
            try? await self.flush()
            guard self.retention != nil, lastSweep.map({ now.duration(since: $0) >= Self.sweepInterval }) ?? true
            else { continue }
            // A full sweep goes on after the next lines; who has little to remove looks again in a minute.
            if await self.removeOldLines() < Self.sweep { lastSweep = now }
        }
    }

    /// How often is looked for lines that are too old.
    private static let sweepInterval = Duration.seconds(60)
    /// Lines that are removed at a time: some ten milliseconds, in which nothing else is written.
    static let sweep = 5_000

    /// Removes lines that are older than they are to be kept.
    ///
    /// - Returns: How many; at most ``sweep``.
    @discardableResult
    func removeOldLines() async -> Int {
        guard let retention else { return 0 }
        let oldest = self.time.wallNanoseconds() / 1_000_000 - retention.wholeNanoseconds / 1_000_000
        let removed = try? await self.thread.runIfActive {
            (try? self.store.removeLines(before: oldest, atMost: Self.sweep)) ?? 0
        }
        return removed ?? 0
    }

    /// Writes all that waits, and gives unused blocks of budgets back: the gateway ends. Works in a cancelled task too, as
    /// those are that stop a process.
    func close() async {
        await withCheckedContinuation { continuation in
            self.thread.submit { _ in
                // What could not be written has been told; there is no later.
                try? self.write(true)
                continuation.resume()
            }
        }
    }

    /// Writes all that waits.
    ///
    /// - Throws: Why the store did not take it; it is kept.
    public func flush() async throws(NeedletailError) {
        let result: Result<Void, NeedletailError>
        do {
            result = try await self.thread.runIfActive {
                do throws(NeedletailError) { return .success(try self.write(false)) } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw NeedletailError(.unavailable, "The ledger is closed.", cause: error)
        }
        try result.get()
    }

    /// Writes all that waits, on this thread. What comes meanwhile is for the next time.
    private func write(_ isClosing: Bool) throws(NeedletailError) {
        var left = self.state.withLock { $0.buffer.lineCount }
        while left > 0 {
            let lines = self.state.withLock { $0.buffer.takeBatch() }
            guard !lines.isEmpty else { break }
            left -= lines.count
            try self.write(lines, isClosing) { $0.putBack(lines) }
        }
        let sums = self.state.withLock { $0.buffer.takeSums() }
        try self.write(sums, isClosing) { $0.putBack(sums: sums) }
    }

    private func write(
        _ lines: [LedgerLine], _ isClosing: Bool, orElse putBack: (inout LedgerBuffer) -> Void
    ) throws(NeedletailError) {
        let changes = self.changes.take(isClosing)
        guard !lines.isEmpty || !changes.isEmpty else { return }
        do {
            try self.store.append(lines, booking: changes)
            self.notice.note(nil)
        } catch {
            self.changes.putBack(changes)
            self.state.withLock { putBack(&$0.buffer) }
            self.notice.note(error, metadata: ["waiting": "\(self.waiting)"])
            throw error
        }
    }
}

extension LedgerLine {
    /// The line of an attempt that has ended.
    init(_ attempt: AttemptRecord, wallMilliseconds: Int64) {
        var hasher = Hasher()
        hasher.combine(attempt.request.id)
        hasher.combine(ObjectIdentifier(attempt.request))
        hasher.combine(attempt.request.start)
        let outcome =
            switch attempt.outcome.end {
            case .finished: "finished"
            case .failed: "failed"
            case .abandoned: "abandoned"
            }
        self.init(
            wallMilliseconds: wallMilliseconds,
            requestID: attempt.request.id,
            request: Int64(hasher.finalize()),
            key: attempt.request.keyName ?? "",
            tenant: attempt.request.tenant ?? "",
            team: attempt.request.team ?? "",
            tags: attempt.request.tags,
            user: attempt.user ?? "",
            provider: attempt.provider.rawValue,
            model: attempt.model,
            operation: attempt.operation.rawValue,
            attempt: attempt.number,
            cause: attempt.cause.rawValue,
            usage: attempt.outcome.usage,
            cost: attempt.cost.value,
            isOverHold: attempt.cost.isOverHold,
            priceVersion: PriceCatalogue.version,
            durationMilliseconds: attempt.duration.wholeNanoseconds / 1_000_000,
            firstTokenMilliseconds: attempt.timeToFirstToken.map { $0.wholeNanoseconds / 1_000_000 },
            outcome: outcome,
            error: attempt.error.map { "\($0.code)" } ?? "",
            // Names may be a client's, of any length.
            lost: attempt.outcome.losses.isEmpty
                ? []
                : attempt.outcome.losses.ofContent.prefix(32).map {
                    String(decoding: $0.utf8.prefix(128), as: UTF8.self)
                })
    }
}
