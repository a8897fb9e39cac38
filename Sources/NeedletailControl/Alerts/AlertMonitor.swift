import Logging
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

/// Looks every few seconds at what is counted anyhow, judges it by the rules, and tells the log, the webhooks, the
/// dashboard and whoever asks.
final class AlertMonitor: Sendable {
    private struct Place: Hashable {
        var rule: String
        var subject: String
    }

    private struct State {
        var configuration: AlertConfiguration
        var board: AlertBoard
        var histories: [Place: SignalHistory] = [:]
        var objectives: [ObjectiveState] = []
        var cells: [ObjectiveCell] = []
        var webhooks: [AlertWebhook] = []
        var retired: [AlertWebhook] = []
        var budgets: [BudgetLevel] = []
        var began: Int64
    }

    /// Counts what the rules are about.
    let signals: AlertSignals
    private let state: Mutex<State>
    private let sources: AlertSources
    private let time: TimeSource
    private let makeWebhook: @Sendable (AlertConfiguration.Webhook) -> AlertWebhook?
    private let tell: @Sendable (AlertEvent) -> Void

    /// - Parameters:
    ///   - prefix: What begins the ids of alerts; different for every process.
    ///   - tell: Writes an alert to the log.
    ///   - makeWebhook: Connects to a receiver; `nil` where that cannot be.
    init(
        _ configuration: AlertConfiguration, signals: AlertSignals = AlertSignals(), sources: AlertSources,
        time: TimeSource, prefix: String,
        makeWebhook: @escaping @Sendable (AlertConfiguration.Webhook) -> AlertWebhook?,
        tell: @escaping @Sendable (AlertEvent) -> Void
    ) {
        self.signals = signals
        self.sources = sources
        self.time = time
        self.makeWebhook = makeWebhook
        self.tell = tell
        self.state = Mutex(
            State(
                configuration: configuration, board: AlertBoard([], prefix: prefix),
                began: time.wallSeconds()))
        self.replace(configuration)
    }

    /// Creates that of a gateway.
    ///
    /// - Parameter log: Where alerts have a line each; `nil` for the logger of the surroundings.
    convenience init(
        _ configuration: AlertConfiguration, _ signals: AlertSignals, _ sources: AlertSources,
        _ surroundings: GatewayProcess.Surroundings, log: LogOutput?
    ) {
        let logger = surroundings.logger
        self.init(
            configuration, signals: signals, sources: sources, time: surroundings.time,
            prefix: "alert_" + String(surroundings.random.next(), radix: 36),
            makeWebhook: { webhook in
                do throws(NeedletailError) { return try AlertWebhook(webhook, surroundings) } catch {
                    logger.error("The webhook '\(webhook.name)' cannot be used: \(error.message)")
                    return nil
                }
            },
            tell: { event in
                let level = AlertLogLine.level(event)
                guard let log else {
                    return logger.log(
                        level: level, "health_alert",
                        metadata: ["alert": "\(event.rule.name)", "message": "\(event.message)"])
                }
                if log.levels.level(of: "NeedletailControl") <= level { log.writer.write(.alert(event)) }
            })
    }

    /// Lets another configuration hold. Rules, objectives and webhooks that say the same go on.
    func replace(_ configuration: AlertConfiguration) {
        let (now, wall) = (self.time.now(), self.time.wallNanoseconds())
        let over = self.state.withLock { state -> [AlertEvent] in
            let old = state.configuration
            state.configuration = configuration
            let burning = configuration.objectives.isEmpty ? [] : BurnWindow.all.map(AlertRule.burning)
            let over = state.board.replace(configuration.rules + burning, wallNanoseconds: wall)
            let kept = Set(configuration.rules).intersection(old.rules).map(\.name)
            state.histories = state.histories.filter { kept.contains($0.key.rule) }
            // What a new rule finds counted was counted before it.
            for rule in configuration.rules where rule.metric.isCounted {
                for (name, counts) in self.signals.counts(rule.scope.dimension) {
                    let place = Place(rule: rule.name, subject: name)
                    guard state.histories[place] == nil else { continue }
                    state.histories[place] = SignalHistory(window: rule.window, after: counts, now: now)
                }
            }
            let cells = state.cells
            state.cells = configuration.objectives.map { objective in
                cells.first { $0.objective == objective } ?? ObjectiveCell(objective)
            }
            let objectives = state.objectives
            state.objectives = configuration.objectives.map { objective in
                objectives.first { $0.objective == objective } ?? ObjectiveState(objective)
            }
            let webhooks = state.webhooks
            state.webhooks = configuration.webhooks.compactMap { wanted in
                webhooks.first { Fingerprint(of: $0.configuration) == Fingerprint(of: wanted) }
                    ?? self.makeWebhook(wanted)
            }
            state.retired += webhooks.filter { old in !state.webhooks.contains { $0 === old } }
            self.signals.replace(configuration.rules, state.cells)
            return over
        }
        for event in over { self.deliver(event) }
    }

    private func deliver(_ event: AlertEvent) {
        self.tell(event)
        for webhook in self.webhooks { webhook.push(event) }
    }

    // MARK: Looking

    /// Looks and sends until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let webhooks = self.webhooks
            await withDiscardingTaskGroup { group in
                for webhook in webhooks { group.addTask { await webhook.run() } }
                await self.look(whileServing: webhooks)
                group.cancelAll()
            }
            for webhook in self.state.withLock({ state in
                defer { state.retired = [] }
                return state.retired
            }) { await webhook.shutdown() }
        }
    }

    private func look(whileServing webhooks: [AlertWebhook]) async {
        while !Task.isCancelled, self.webhooks.elementsEqual(webhooks, by: ===) {
            let interval = self.state.withLock { $0.configuration.interval }
            do { try await self.time.sleep(self.time.now().advanced(by: interval)) } catch { return }
            await self.look()
        }
    }

    /// Looks once.
    func look() async {
        let budgets = await self.sources.budgets()
        let rules = self.state.withLock { $0.board.rules }
        var known: [AlertMetric: [AlertBoard.Reading]] = [:]
        known[.budgetUsed] = budgets.map { .init(subject: $0.name, value: $0.used) }
        if rules.contains(where: { $0.metric == .keyAge }) { known[.keyAge] = self.sources.keyAges() }
        if rules.contains(where: { $0.metric == .health }) {
            known[.health] = self.sources.health().providers.map { .init(subject: $0.name, value: $0.healthScore) }
        }
        let deployments = self.sources.deployments()
        let (now, wall) = (self.time.now(), self.time.wallNanoseconds())
        let events = self.state.withLock { state -> [AlertEvent] in
            state.budgets = budgets
            for (index, cell) in state.cells.enumerated() { state.objectives[index].observe(cell.counts, now: now) }
            // Those that hold now: others may have come while this looked, and of what is gone nobody is told.
            let current = state.board.rules
            return current.flatMap { rule in
                let readings = Self.readings(rule, known, deployments, self.signals, &state, now: now)
                return state.board.judge(rule, readings, now: now, wallNanoseconds: wall)
            }
        }
        for event in events { self.deliver(event) }
    }

    private static func readings(
        _ rule: AlertRule, _ known: [AlertMetric: [AlertBoard.Reading]], _ deployments: [Deployment],
        _ signals: AlertSignals, _ state: inout State, now: Instant
    ) -> [AlertBoard.Reading] {
        switch rule.metric {
        case .budgetUsed, .keyAge, .health:
            return (known[rule.metric] ?? []).filter { rule.scope.glob.matches($0.subject) }
        case .burnRate:
            guard let pair = BurnWindow.all.first(where: { $0.name == rule.name }) else { return [] }
            return state.objectives.flatMap { objective in
                Objective.Promise.allCases.map { promise in
                    AlertBoard.Reading(
                        subject: "\(objective.objective.name) \(promise.rawValue)",
                        value: objective.burnRate(promise, pair, now: now))
                }
            }
        case .breakerOpen: return Self.breakers(rule, deployments, now: now)
        default:
            return signals.counts(rule.scope.dimension).filter { rule.scope.glob.matches($0.name) }.map {
                name, counts in
                let place = Place(rule: rule.name, subject: name)
                let recent = state.histories[place, default: SignalHistory(window: rule.window, now: now)]
                    .window(endingWith: counts, now: now)
                return .init(subject: name, value: recent.value(rule.metric, minimum: rule.minimumRequests))
            }
        }
    }

    /// Which breakers are open; a provider's is where all of its that were used are.
    private static func breakers(
        _ rule: AlertRule, _ deployments: [Deployment], now: Instant
    ) -> [AlertBoard.Reading] {
        let isOfModels = rule.scope.dimension == .model
        let named = Dictionary(grouping: deployments) {
            isOfModels ? $0.key.description : $0.key.provider.rawValue
        }
        return named.filter { rule.scope.glob.matches($0.key) }.map { name, deployments in
            let circuits = deployments.map { HealthAssessment.Circuit($0.gate.breaker.snapshot(now: now)) }
            let used = zip(deployments, circuits).filter {
                $0.statistics.lastEvidence > Instant(nanoseconds: 0) || $1 != .closed
            }
            let isOpen = !used.isEmpty && used.allSatisfy { $1 == .open }
            return .init(subject: name, value: isOpen ? 1 : 0)
        }
    }

    // MARK: Told to those who ask

    /// What is on or about to be, the gravest first.
    var active: [AlertBoard.Active] { self.state.withLock { $0.board.active } }
    /// What happened of late, oldest first.
    var events: [AlertEvent] { self.state.withLock { $0.board.events } }
    /// The rules.
    var rules: [AlertRule] { self.state.withLock { $0.configuration.rules } }
    /// The receivers.
    var webhooks: [AlertWebhook] { self.state.withLock { $0.webhooks } }
    /// The objectives and what came of them.
    var objectives: [ObjectiveState] { self.state.withLock { $0.objectives } }
    /// How the budgets stood at the last look.
    var budgets: [BudgetLevel] { self.state.withLock { Array($0.budgets.prefix(AlertBoard.mostSubjects)) } }
    /// When counting began, in seconds since 1970.
    var began: Int64 { self.state.withLock { $0.began } }
    /// The clock.
    var now: Instant { self.time.now() }
    var wallSeconds: Int64 { self.time.wallSeconds() }

    /// How long the end of the process waits for receivers.
    private static let farewell = Duration.seconds(3)

    /// Sends what waits, for at most a few seconds, and closes the connections.
    func shutdown() async {
        let webhooks = self.webhooks
        await withTaskGroup(of: Void.self) { [time = self.time] group in
            group.addTask {
                await withDiscardingTaskGroup { group in
                    for webhook in webhooks { group.addTask { await webhook.sendWaiting(tries: 1) } }
                }
            }
            group.addTask { try? await time.sleep(time.now().advanced(by: Self.farewell)) }
            await group.next()
            group.cancelAll()
        }
        for webhook in webhooks { await webhook.shutdown() }
    }
}
