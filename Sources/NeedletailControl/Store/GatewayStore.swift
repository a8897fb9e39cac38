public import Logging
import NIOPosix
public import NeedletailCore
import NeedletailRouting
public import NeedletailStore

/// What a running gateway keeps: the file, its thread, the ledger and the budgets.
public final class GatewayStore: Sendable {
    /// The file; `nil` for none: then budgets are kept in memory, and the ledger not at all.
    public let file: SQLiteStore?
    /// Writes the ledger.
    public let ledger: LedgerWriter?
    /// Who is asked before each call upstream; `nil` without budgets.
    public let budgets: BudgetKeeper?
    private let thread: NIOThreadPool
    private let authority: any BudgetAuthority

    /// Opens what a configuration has to keep.
    ///
    /// - Throws: `.unavailable` when the configuration insists on a file that cannot be opened.
    public init(_ configuration: Configuration, time: TimeSource, logger: Logger) throws(NeedletailError) {
        let thread = NIOThreadPool(numberOfThreads: 1)
        let file = try Self.open(configuration, logger)
        let authority: any BudgetAuthority = file ?? MemoryBudgets()
        let keeper =
            configuration.budgets.isEmpty
            ? nil
            : BudgetKeeper(
                configuration.budgets, authority: authority,
                executor: file == nil ? { $0() } : { work in try await thread.runIfActive { work() } },
                time: time, logger: logger)
        self.thread = thread
        self.file = file
        self.authority = authority
        self.budgets = keeper
        self.ledger = file.map { file in
            LedgerWriter(
                store: file, thread: thread, configuration: configuration.store,
                changes: LedgerWriter.BudgetBookkeeping(
                    take: { isClosing in keeper?.takeChanges(isClosing: isClosing) ?? [] },
                    putBack: { keeper?.putBack($0) }),
                time: time, logger: logger)
        }
        thread.start()
    }

    private static func open(
        _ configuration: Configuration, _ logger: Logger
    ) throws(NeedletailError) -> SQLiteStore? {
        guard let path = configuration.store.path else { return nil }
        do {
            return try SQLiteStore(path: path)
        } catch {
            // Money fails closed: budgets that would be forgotten at the next start are none.
            guard !configuration.store.isRequired, configuration.budgets.isEmpty else { throw error }
            logger.warning("What calls cost is not kept: \(error.message) Write `store: off` if that is meant.")
            return nil
        }
    }

    /// Who hears of calls.
    public var observers: [any RequestObserver] { self.ledger.map { [$0] } ?? [] }

    /// Writes what waits until the task is cancelled.
    public func run(time: TimeSource) async {
        if let ledger { return await ledger.run() }
        // Without a ledger budgets still give back what is over.
        while !Task.isCancelled {
            do { try await time.sleep(time.now().advanced(by: .seconds(1))) } catch { return }
            guard let budgets else { continue }
            try? self.authority.book(budgets.takeChanges())
        }
    }

    /// Writes what waits, gives unused blocks back and closes; nothing may be told after.
    public func close() async {
        try? await self.ledger?.flush(isClosing: true)
        try? await self.thread.shutdownGracefully()
    }
}
