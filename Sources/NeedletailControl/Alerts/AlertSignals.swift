import NeedletailCore
import Synchronization

/// Counts what alert rules and objectives are about, and nothing else.
///
/// A request costs one look-up for each kind that a rule watches, and a call one or two.
final class AlertSignals: RequestObserver {
    /// What tells cells apart.
    struct Key: SeriesKey {
        var dimension: AlertScope.Dimension
        var name: String

        var folded: Self { Self(dimension: self.dimension, name: RequestMetrics.other) }

        func hash(into hasher: inout Hasher) {
            hasher.combine(self.dimension.ordinal)
            hasher.combine(self.name)
        }
    }

    /// What somebody wants to know.
    private final class Wanted: Sendable {
        /// A bit for each kind.
        private let dimensions: UInt
        let objectives: [ObjectiveCell]

        init(_ dimensions: [AlertScope.Dimension], _ objectives: [ObjectiveCell]) {
            self.dimensions = dimensions.reduce(0) { $0 | 1 << UInt($1.ordinal) }
            self.objectives = objectives
        }

        func contains(_ dimension: AlertScope.Dimension) -> Bool { self.dimensions >> UInt(dimension.ordinal) & 1 == 1 }
    }

    /// How many providers, models, groups, keys and tenants are told apart together.
    private static let capacity = 1_000

    private let wanted = Mutex(Wanted([], []))
    private let cells = SeriesTable<Key, SignalCell>(capacity: AlertSignals.capacity) { _ in SignalCell() }

    /// Lets other rules and objectives be counted for.
    func replace(_ rules: [AlertRule], _ objectives: [ObjectiveCell]) {
        let dimensions = rules.filter(\.metric.isCounted).map(\.scope.dimension)
        self.wanted.withLock { $0 = Wanted(dimensions, objectives) }
    }

    /// What has been counted of everything of a kind.
    func counts(_ dimension: AlertScope.Dimension) -> [(name: String, counts: SignalCounts)] {
        self.cells.entries.filter { $0.key.dimension == dimension }.map { ($0.key.name, $0.value.counts) }
    }

    private func count(
        _ dimension: AlertScope.Dimension, _ name: String?, _ wanted: Wanted, hasFailed: Bool, duration: Duration?,
        firstToken: Duration?
    ) {
        guard let name, wanted.contains(dimension) else { return }
        self.cells.value(Key(dimension: dimension, name: name))
            .count(hasFailed: hasFailed, duration: duration, firstToken: firstToken)
    }

    // MARK: RequestObserver

    func attemptEnded(_ attempt: AttemptRecord) {
        guard attempt.wasSent else { return }
        let wanted = self.wanted.withLock { $0 }
        guard wanted.contains(.provider) || wanted.contains(.model) else { return }
        let hasFailed = attempt.error?.disposition.blamesTarget ?? false
        let duration = attempt.isCommitted ? attempt.duration : nil
        self.count(
            .provider, attempt.provider.rawValue, wanted, hasFailed: hasFailed, duration: duration,
            firstToken: attempt.timeToFirstToken)
        guard wanted.contains(.model) else { return }
        self.count(
            .model, attempt.deployment, wanted, hasFailed: hasFailed, duration: duration,
            firstToken: attempt.timeToFirstToken)
    }

    func requestEnded(_ request: RequestRecord) {
        let wanted = self.wanted.withLock { $0 }
        for objective in wanted.objectives { objective.count(request) }
        let hasFailed = request.isOurFailure
        let duration = request.isCommitted ? request.duration : nil
        // A name that leads nowhere is no group: those are as many as clients think up.
        let isKnown = request.isCommitted || !request.attempts.isEmpty
        func count(_ dimension: AlertScope.Dimension, _ name: String?) {
            self.count(
                dimension, name, wanted, hasFailed: hasFailed, duration: duration,
                firstToken: request.timeToFirstToken)
        }
        count(.gateway, AlertScope.gateway)
        count(.group, isKnown ? request.model : nil)
        count(.key, request.keyName)
        count(.tenant, request.request.tenant)
    }
}

extension RequestRecord {
    /// Whether it failed by no fault of the client's.
    var isOurFailure: Bool {
        if case .failed = self.outcome.end { return self.isCommitted || self.status >= 500 }
        return false
    }

    /// Whether the client is to blame that it failed.
    var isRefusal: Bool {
        if case .failed = self.outcome.end { return !self.isOurFailure }
        return false
    }
}
