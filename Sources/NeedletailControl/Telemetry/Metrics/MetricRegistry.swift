import Synchronization

/// All metrics of the process. Families and series are made at configuration time or when a label first appears; counting
/// itself takes no lock.
final class MetricRegistry: Sendable {
    private struct State {
        var families: [String: MetricFamily] = [:]
        var collectors: [@Sendable () -> [MetricReading]] = []
    }

    private let state = Mutex(State())

    /// The family of counters called `name`, which ends in `_total`.
    ///
    /// - Parameter digits: How many decimals its smallest unit has.
    func counters(_ name: String, _ help: String, digits: Int = 0) -> MetricFamily {
        self.family(.counter, name, help, digits, [])
    }

    /// The family of gauges called `name`.
    func gauges(_ name: String, _ help: String) -> MetricFamily {
        self.family(.gauge, name, help, 0, [])
    }

    /// The family of histograms called `name`.
    ///
    /// - Parameters:
    ///   - digits: How many decimals the smallest unit has: 9 for nanoseconds that are shown as seconds.
    ///   - bounds: In the smallest unit.
    func histograms(_ name: String, _ help: String, digits: Int, bounds: [Int]) -> MetricFamily {
        self.family(.histogram, name, help, digits, bounds)
    }

    private func family(
        _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ digits: Int, _ bounds: [Int]
    ) -> MetricFamily {
        self.state.withLock { state in
            if let known = state.families[name] { return known }
            let made = MetricFamily(kind, name, help, digits: digits, bounds: bounds)
            state.families[name] = made
            return made
        }
    }

    /// Adds what is read only when somebody asks: gauges of states that live elsewhere.
    func collect(_ collector: @escaping @Sendable () -> [MetricReading]) {
        self.state.withLock { $0.collectors.append(collector) }
    }

    /// What all metrics say now, by name; families without a series are left out.
    func read() -> [MetricReading] {
        let (families, collectors) = self.state.withLock { (Array($0.families.values), $0.collectors) }
        var readings = families.map(\.snapshot)
        for collector in collectors { readings += collector() }
        return readings.filter { !$0.samples.isEmpty }.sorted { $0.name < $1.name }
    }
}
