import NeedletailCore
import NeedletailRouting
import Synchronization

/// Counts the requests of one objective. Lock-free.
final class ObjectiveCell: Sendable {
    let objective: Objective
    private let requests = Atomic<Int>(0)
    private let failures = Atomic<Int>(0)
    private let streams = Atomic<Int>(0)
    private let late = Atomic<Int>(0)

    init(_ objective: Objective) {
        self.objective = objective
    }

    /// Counts a request if it is one of the objective's.
    func count(_ request: RequestRecord) {
        switch self.objective.scope.dimension {
        case .group: guard self.objective.scope.glob.matches(request.model) else { return }
        case .tenant:
            guard let tenant = request.request.tenant, self.objective.scope.glob.matches(tenant) else { return }
        default: break
        }
        guard !request.isRefusal else { return }
        self.requests.wrappingAdd(1, ordering: .relaxed)
        if request.isOurFailure { self.failures.wrappingAdd(1, ordering: .relaxed) }
        guard let limit = self.objective.firstToken, let first = request.timeToFirstToken else { return }
        self.streams.wrappingAdd(1, ordering: .relaxed)
        if first > limit { self.late.wrappingAdd(1, ordering: .relaxed) }
    }

    /// What has been counted so far.
    var counts: ObjectiveCounts {
        ObjectiveCounts(
            requests: self.requests.load(ordering: .relaxed), failures: self.failures.load(ordering: .relaxed),
            streams: self.streams.load(ordering: .relaxed), late: self.late.load(ordering: .relaxed))
    }
}
