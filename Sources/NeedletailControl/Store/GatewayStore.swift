import Foundation
public import Logging
import NIOPosix
public import NeedletailCore
public import NeedletailRouting
public import NeedletailStore
import Synchronization

/// What a running gateway keeps: the file, its thread, the ledger and the budgets.
public final class GatewayStore: Sendable {
    /// The file; `nil` for none: then budgets are kept in memory, and the ledger not at all.
    public let file: SQLiteStore?
    /// Writes the ledger.
    public let ledger: LedgerWriter?
    /// Who is asked before each call upstream.
    public let budgets: BudgetKeeper
    /// The keys that it keeps; `nil` without a file.
    let keys: KeyRing?
    /// The admin key that was made at a first start.
    let firstAdminKey = FirstAdminKey()
    /// Takes note of what is done to the gateway; `nil` without a file.
    let audit: AuditTrail?
    /// Keeps what was said.
    let content: ContentLog
    /// Keeps cached replies; `nil` without a file.
    let replies: CachedReplyStore?
    let time: TimeSource
    private let logger: Logger
    private let thread: NIOThreadPool
    /// For what takes seconds, beside the thread that books: a question about a million lines, the vault's master key.
    private let readers = NIOThreadPool(numberOfThreads: 1)
    private let authority: any BudgetAuthority
    /// Whose budgets hold.
    private struct Budgeted {
        /// The budgets of the configuration, to which those of the keys are added.
        var rules: [BudgetRule]
        /// The names of the configuration's keys.
        var names: Set<String>
        /// While the stored keys change, those before and after.
        var changing: [StoredKey]?

        init(_ configuration: Configuration) {
            self.rules = configuration.budgets
            self.names = Set((configuration.keys ?? []).filter(\.isEnabled).map(\.name))
        }

        /// The configuration's budgets and those of the stored keys. Where both have a key of one name, the configuration's
        /// holds, as its key does.
        func rules(with keys: KeyRing?) -> [BudgetRule] {
            guard let known = self.changing ?? keys?.known, !known.isEmpty else { return self.rules }
            let names = Set(self.rules.map(\.name))
            return known.counted(in: self.rules, except: self.names)
                + known.budgets.filter { !names.contains($0.name) }
        }
    }

    private let budgeted: Mutex<Budgeted>

    /// Opens what a configuration has to keep.
    ///
    /// - Throws: `.unavailable` when the configuration insists on a file that cannot be opened.
    public init(_ configuration: Configuration, time: TimeSource, logger: Logger) throws(NeedletailError) {
        let thread = NIOThreadPool(numberOfThreads: 1)
        let file = try Self.open(configuration, logger)
        let authority: any BudgetAuthority = file ?? MemoryBudgets()
        let onThread: BudgetKeeper.Executor = { work in try await thread.runIfActive { work() } }
        let atOnce: BudgetKeeper.Executor = { work in work() }
        let keys = try file.map { file throws(NeedletailError) in try KeyRing(file, time: time) }
        self.keys = keys
        let budgeted = Budgeted(configuration)
        self.budgeted = Mutex(budgeted)
        let keeper = BudgetKeeper(
            budgeted.rules(with: keys), authority: authority, executor: file == nil ? atOnce : onThread, time: time,
            logger: logger)
        self.thread = thread
        self.file = file
        self.time = time
        self.logger = logger
        self.audit = file.map { file in
            AuditTrail(file, anchor: AuditAnchor(store: file.path), time: time, logger: logger) {
                work throws(NeedletailError) in try await Self.perform(on: thread, work)
            }
        }
        self.content = ContentLog(configuration.privacy.content, time: time, logger: logger)
        self.replies = file.map { CachedReplyStore($0.path, configuration, time: time, logger: logger) }
        self.authority = authority
        self.budgets = keeper
        self.ledger = file.map { file in
            LedgerWriter(
                store: file, thread: thread, configuration: configuration.store,
                changes: LedgerWriter.BudgetBookkeeping(
                    take: { isClosing in keeper.takeChanges(isClosing: isClosing) },
                    putBack: { keeper.putBack($0) }),
                time: time, logger: logger)
        }
        thread.start()
        self.readers.start()
    }

    private static func open(
        _ configuration: Configuration, _ logger: Logger
    ) throws(NeedletailError) -> SQLiteStore? {
        guard let path = configuration.store.path else { return nil }
        // Access fails closed: a file that is there may hold the only keys, without which everybody could come in.
        let mayHoldKeys = configuration.keys == nil && FileManager.default.fileExists(atPath: path)
        do {
            return try SQLiteStore.writable(path)
        } catch {
            // Money does too: budgets that would be forgotten at the next start are none.
            guard !configuration.store.isRequired, configuration.budgets.isEmpty, !mayHoldKeys else { throw error }
            logger.warning("What calls cost is not kept: \(error.message) Write `store: off` if that is meant.")
            return nil
        }
    }

    /// Who hears of calls.
    public var observers: [any RequestObserver] {
        (self.ledger.map { [$0] } ?? []) + (self.audit.map { [AuditObserver(trail: $0)] } ?? [])
    }

    /// Writes what waits until the task is cancelled.
    public func run() async {
        if let ledger {
            return await withDiscardingTaskGroup { group in
                group.addTask { await ledger.run() }
                group.addTask { await self.followKeys() }
                group.addTask { await self.audit?.run() }
                if let file {
                    group.addTask { await self.content.run(self, file) }
                    group.addTask { await self.replies?.run(self, file) }
                    group.addTask { await self.removeOldBalances(file) }
                }
            }
        }
        // Without a ledger budgets still give back what is over.
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: .seconds(1))) } catch { return }
            try? self.authority.book(self.budgets.takeChanges())
        }
    }

    /// How long counts of a budget are kept: no stretch but the endless one, whose counts stay, is longer than a month, and a
    /// rolling one of a month counts another.
    private static let balanceRetention: Int64 = 62 * 86_400

    /// Removes counts that no longer count, once an hour.
    private func removeOldBalances(_ file: SQLiteStore) async {
        while !Task.isCancelled {
            let oldest = self.time.wallSeconds() - Self.balanceRetention
            try? await self.perform { () throws(NeedletailError) in try file.removeBalances(before: oldest) }
            do { try await self.time.sleep(self.time.now().advanced(by: .seconds(3_600))) } catch { return }
        }
    }

    /// Looks for keys that somebody else has made or ended.
    private func followKeys() async {
        var hasFailed = false
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: .seconds(1))) } catch { return }
            do throws(NeedletailError) {
                try await self.perform { () throws(NeedletailError) in try self.refreshKeys() }
                hasFailed = false
            } catch {
                if !hasFailed { self.logger.error("Keys cannot be read again; those known hold: \(error.message)") }
                hasFailed = true
            }
        }
    }

    /// Reads the keys again if somebody has written, and lets their limits and budgets hold; called on a thread that may
    /// block.
    ///
    /// - Parameter isForced: Whether this process has, which the store does not tell.
    func refreshKeys(isForced: Bool = false) throws(NeedletailError) {
        // First those of all keys, new and old, and those of the new alone when the old open nothing any more: at no time
        // does a call count for a key without its budgets.
        let isChanged = try self.keys?.refresh(isForced: isForced) { both in
            self.replaceBudgets { $0.changing = both }
        }
        guard isChanged == true else { return }
        self.replaceBudgets { $0.changing = nil }
        if let file { try self.firstAdminKey.read(file) }
    }

    /// Lets other budgets of the configuration hold beside those of the keys.
    func replaceBudgets(_ configuration: Configuration) {
        let other = Budgeted(configuration)
        self.replaceBudgets { ($0.rules, $0.names) = (other.rules, other.names) }
    }

    private func replaceBudgets(_ change: (inout Budgeted) -> Void) {
        // Under the lock, so that of two changes the later one stays.
        self.budgeted.withLock { budgeted in
            change(&budgeted)
            self.budgets.replace(budgeted.rules(with: self.keys))
        }
    }

    /// Runs work with the store on its thread.
    @discardableResult
    func perform<Value: Sendable>(
        _ work: @escaping @Sendable () throws(NeedletailError) -> Value
    ) async throws(NeedletailError) -> Value {
        try await Self.perform(on: self.thread, work)
    }

    /// Runs work that may take seconds beside the thread that books and grants.
    func performBeside<Value: Sendable>(
        _ work: @escaping @Sendable () throws(NeedletailError) -> Value
    ) async throws(NeedletailError) -> Value {
        try await Self.perform(on: self.readers, work)
    }

    private static func perform<Value: Sendable>(
        on thread: NIOThreadPool, _ work: @escaping @Sendable () throws(NeedletailError) -> Value
    ) async throws(NeedletailError) -> Value {
        let result: Result<Value, NeedletailError>
        do {
            result = try await thread.runIfActive {
                do throws(NeedletailError) { return .success(try work()) } catch { return .failure(error) }
            }
        } catch {
            throw NeedletailError(.unavailable, "The store is closed.", cause: error)
        }
        return try result.get()
    }

    /// What calls cost, all that waits included.
    ///
    /// - Throws: `.unavailable` without a file.
    func costs(_ question: CostQuestion) async throws(NeedletailError) -> CostReport {
        guard let file, let ledger else { throw NeedletailError(.unavailable, "No store is kept.") }
        try await ledger.flush()
        let path = file.path
        let result: Result<CostReport, NeedletailError>
        do {
            result = try await self.readers.runIfActive {
                do throws(NeedletailError) {
                    return .success(try SQLiteStore(path: path, mode: .read, isChecked: false).costs(question))
                } catch { return .failure(error) }
            }
        } catch {
            throw NeedletailError(.unavailable, "The store is closed.", cause: error)
        }
        return try result.get()
    }

    /// Every count of every budget.
    func balances() async throws(NeedletailError) -> [BudgetBalance] {
        if let file { return try await self.perform { () throws(NeedletailError) in try file.balances() } }
        return self.memory?.all() ?? []
    }

    /// Forgets a count.
    func resetBudget(_ counter: String) async throws(NeedletailError) {
        guard let file else { return self.memory?.reset(counter: counter) ?? () }
        try await self.perform { () throws(NeedletailError) in try file.reset(counter: counter) }
    }

    /// What was kept of what was said, for the metrics.
    var contentReadings: [MetricReading] {
        guard self.file != nil else { return [] }
        let counts = self.content.counts
        return [
            .counter(
                "needletail_content_requests_total", "Requests whose content was to be kept.",
                [
                    (MetricLabels(["outcome": "written"]), counts.written),
                    (MetricLabels(["outcome": "dropped"]), counts.dropped),
                ])
        ]
    }

    /// The time, in seconds since 1970.
    var wallSeconds: Int64 { self.time.wallSeconds() }

    private var memory: MemoryBudgets? { self.authority as? MemoryBudgets }

    /// Writes what waits, gives unused blocks back and closes; nothing may be told after.
    public func close() async {
        await self.ledger?.close()
        await self.writeContent()
        await self.writeReplies()
        await withCheckedContinuation { continuation in
            // In a cancelled task too, as those are that stop a process.
            self.thread.submit { _ in
                self.audit?.close()
                continuation.resume()
            }
        }
        try? await self.readers.shutdownGracefully()
        try? await self.thread.shutdownGracefully()
    }

    /// Writes the cached replies that wait; works in a cancelled task too.
    private func writeReplies() async {
        guard let file, let replies else { return }
        for _ in 0..<replies.waitingBatches {
            let isMore = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                self.thread.submit { _ in continuation.resume(returning: replies.write(to: file)) }
            }
            guard isMore else { break }
        }
        await replies.close()
    }

    /// Writes what was said and waits; works in a cancelled task too.
    private func writeContent() async {
        guard let file = self.file else { return }
        for _ in 0..<self.content.waitingBatches {
            let isMore = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                self.thread.submit { [content = self.content] _ in
                    continuation.resume(returning: content.write(to: file))
                }
            }
            guard isMore else { return }
        }
    }
}
