public import Logging
public import NeedletailCore
import Synchronization

/// Asks each provider for its models from time to time, with a time limit of its own.
///
/// What it learns is shown by the health endpoints, and the lists feed the ``ModelDirectory``.
public final class HealthMonitor: Sendable {
    /// One provider to watch.
    public struct Check: Sendable {
        /// The provider's name.
        public var provider: ProviderID
        /// How often. Default 30 s.
        public var interval: Duration
        /// How long one check may take. Default 5 s.
        public var timeout: Duration
        /// Whether nobody configured it: it is silent and not in ``HealthMonitor/snapshot()`` until it first lists a
        /// model. Default false.
        public var isOptional: Bool
        /// Asks for the list; `nil` if the provider answers and has none.
        public var listModels: @Sendable (_ deadline: Instant) async throws(NeedletailError) -> [ListedModel]?

        /// Creates a check.
        public init(
            provider: ProviderID,
            interval: Duration = .seconds(30),
            timeout: Duration = .seconds(5),
            isOptional: Bool = false,
            listModels: @escaping @Sendable (_ deadline: Instant) async throws(NeedletailError) -> [ListedModel]?
        ) {
            self.provider = provider
            self.interval = interval
            self.timeout = timeout
            self.isOptional = isOptional
            self.listModels = listModels
        }
    }

    /// What is known about a provider.
    public struct Status: Sendable {
        /// Whether the last check went well; `nil` before the first.
        public var isHealthy: Bool?
        /// When a check last went well, in seconds since 1970.
        public var lastSuccess: Int64?
        /// What went wrong last.
        public var lastError: String?

        /// Creates the status of a provider that nobody has checked.
        public init() {}

        fileprivate init(succeededAt now: Int64) {
            self.isHealthy = true
            self.lastSuccess = now
        }
    }

    private let checks: [Check]
    private let time: TimeSource
    private let logger: Logger
    private let onModels: @Sendable (_ provider: String, _ models: [ListedModel]) -> Void
    private let statuses: Mutex<[ProviderID: Status]>

    /// Creates a monitor.
    ///
    /// - Parameters:
    ///   - known: What another monitor has found out about some of them.
    ///   - onModels: Called with every list that arrives.
    public init(
        _ checks: [Check],
        time: TimeSource,
        logger: Logger,
        known: [ProviderID: Status] = [:],
        onModels: @escaping @Sendable (_ provider: String, _ models: [ListedModel]) -> Void
    ) {
        self.checks = checks
        self.time = time
        self.logger = logger
        self.onModels = onModels
        let watched = checks.filter { !$0.isOptional || known[$0.provider] != nil }
        self.statuses = Mutex(
            Dictionary(watched.map { ($0.provider, known[$0.provider] ?? Status()) }) { first, _ in first })
    }

    /// What is known about each provider.
    public func snapshot() -> [ProviderID: Status] {
        self.statuses.withLock { $0 }
    }

    /// Checks until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for check in self.checks { group.addTask { await self.watch(check) } }
        }
    }

    /// Checks every provider once, all at the same time.
    public func checkAll() async {
        await withDiscardingTaskGroup { group in
            for check in self.checks { group.addTask { await self.once(check) } }
        }
    }

    private func watch(_ check: Check) async {
        while !Task.isCancelled {
            await self.once(check)
            do { try await self.time.sleep(self.time.now().advanced(by: check.interval)) } catch { return }
        }
    }

    /// One check of one provider.
    func once(_ check: Check) async {
        do {
            let models = try await check.listModels(self.time.now().advanced(by: check.timeout))
            let isNew = self.statuses.withLock { $0[check.provider] == nil }
            // Anything may listen on a usual port; who lists no model is not what was looked for.
            if isNew, models?.isEmpty ?? true { return }
            if let models { self.onModels(check.provider.rawValue, models) }
            let now = self.time.wallSeconds()
            self.statuses.withLock { $0[check.provider] = Status(succeededAt: now) }
            guard isNew else { return }
            self.logger.info(
                "A provider was found.",
                metadata: [
                    "needletail.provider": "\(check.provider)", "needletail.models": "\(models?.count ?? 0)",
                ]
            )
        } catch {
            guard error.code != .cancelled else { return }
            let wasHealthy = self.statuses.withLock { statuses -> Bool in
                guard let status = statuses[check.provider] else { return false }
                let before = status.isHealthy
                statuses[check.provider]?.isHealthy = false
                statuses[check.provider]?.lastError = error.message
                return before != false
            }
            guard wasHealthy else { return }
            self.logger.warning(
                "A provider's health check failed.",
                metadata: [
                    "needletail.provider": "\(check.provider)", "needletail.code": "\(error.code)",
                    "needletail.message": "\(error.message)",
                ]
            )
        }
    }
}
