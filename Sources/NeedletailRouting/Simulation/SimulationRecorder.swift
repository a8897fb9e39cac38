public import NeedletailCore
import Synchronization

/// Makes a report of a simulation's events.
public final class SimulationRecorder: SimulationObserver {
    private struct State {
        var report: SimulationReport
        var begins: [String: Instant] = [:]
    }

    private let start: Instant
    private let prices: [String: (input: Int64, output: Int64)]
    private let state: Mutex<State>

    /// Creates a recorder; the simulation starts now.
    ///
    /// - Parameter models: The providers, for their prices.
    public init(duration: Duration, seed: UInt64, models: [String: ProviderModel], start: Instant, slices: Int = 60) {
        self.start = start
        self.prices = models.mapValues { ($0.inputPrice, $0.outputPrice) }
        var report = SimulationReport(duration: duration, seed: seed, slices: slices)
        report.providers = models.mapValues { _ in SimulationReport.ProviderRow() }
        self.state = Mutex(State(report: report))
    }

    /// What has happened so far.
    public var report: SimulationReport { self.state.withLock { $0.report } }

    /// See ``SimulationObserver/record(_:at:)``.
    public func record(_ event: SimulationEvent, at now: Instant) {
        self.state.withLock { state in
            event.add(to: &state.report.trace, at: now)
            switch event {
            case .requestBegan(let id, _, _, _):
                state.report.requests += 1
                state.begins[id] = now
            case .requestEnded(let id, let end, let attempts, _, let firstByte):
                let began = state.begins.removeValue(forKey: id) ?? now
                state.report.attempts[min(attempts, state.report.attempts.count - 1)] += 1
                if let firstByte { state.report.firstByte.add(firstByte.duration(since: began)) }
                self.count(end, now.duration(since: began), attempts, at: now, in: &state.report)
            case .callBegan(let provider, _, _):
                state.report.providers[provider.rawValue, default: .init()].calls += 1
                let slice = self.slice(at: now, of: state.report)
                state.report.slices[slice].calls[provider.rawValue, default: 0] += 1
            case .callCommitted: break
            case .callEnded(let provider, _, _, let end, let billed):
                let price = self.prices[provider.rawValue] ?? (0, 0)
                let cost = Int64(billed.inputTokens) * price.input + Int64(billed.outputTokens) * price.output
                Self.count(end, cost, in: &state.report.providers[provider.rawValue, default: .init()])
            }
        }
    }

    private func slice(at now: Instant, of report: SimulationReport) -> Int {
        let place = Int(now.duration(since: self.start) / report.duration * Double(report.slices.count))
        return min(max(0, place), report.slices.count - 1)
    }

    private func count(
        _ end: SimulationEvent.End,
        _ latency: Duration,
        _ attempts: Int,
        at now: Instant,
        in report: inout SimulationReport
    ) {
        let slice = self.slice(at: now, of: report)
        let failure: NeedletailError
        switch end {
        case .abandoned:
            report.abandoned += 1
            return
        case .finished:
            report.finished += 1
            report.latency.add(latency)
            report.slices[slice].requests += 1
            report.slices[slice].latency.add(latency)
            return
        case .failed(let error), .broken(let error):
            failure = error
        }
        report.slices[slice].requests += 1
        report.slices[slice].failures += 1
        var row = report.errors[failure.code.description] ?? .init()
        row.count += 1
        if attempts == 0 { row.withoutCall += 1 }
        if case .broken = end { row.afterCommit += 1 }
        report.errors[failure.code.description] = row
    }

    private static func count(_ end: SimulationEvent.End, _ cost: Int64, in row: inout SimulationReport.ProviderRow) {
        row.cost += cost
        switch end {
        case .finished: row.finished += 1
        case .abandoned: row.abandoned += 1
        case .failed(let error), .broken(let error): row.failures[error.code.description, default: 0] += 1
        }
    }
}
