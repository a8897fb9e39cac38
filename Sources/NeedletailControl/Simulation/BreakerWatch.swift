import NeedletailCore
import NeedletailRouting
import Synchronization

/// Counts how often circuit breakers open.
final class BreakerWatch: SimulationObserver {
    private struct State {
        var deployments: [Deployment] = []
        var open: Set<Deployment.Key> = []
        var openings: [String: Int] = [:]
    }

    private let next: SimulationRecorder
    private let state = Mutex(State())

    /// Creates a watch that passes all events on.
    init(_ next: SimulationRecorder) {
        self.next = next
    }

    /// Whose breakers to look at.
    func watch(_ deployments: [Deployment]) {
        self.state.withLock { $0.deployments = deployments }
    }

    /// Looks at all breakers and passes the event on: between two events none opens and closes.
    func record(_ event: SimulationEvent, at now: Instant) {
        self.look(now: now)
        self.next.record(event, at: now)
    }

    /// The count by provider, what has happened since the last event included.
    func openings(now: Instant) -> [String: Int] {
        self.look(now: now)
        return self.state.withLock { $0.openings }
    }

    private func look(now: Instant) {
        self.state.withLock { state in
            for deployment in state.deployments {
                // What is half open when its time is over was open before.
                if deployment.gate.breaker.snapshot(now: now).phase == .closed {
                    state.open.remove(deployment.key)
                } else if state.open.insert(deployment.key).inserted {
                    state.openings[deployment.key.provider.rawValue, default: 0] += 1
                }
            }
        }
    }
}
