import Synchronization

/// All series of one name.
final class MetricFamily: Sendable {
    /// What a family's series are.
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// One series.
    enum Cell: Sendable {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)
    }

    /// The name, a counter's with its `_total`.
    let name: String
    /// What it counts, in one line.
    let help: String
    /// What its series are.
    let kind: Kind
    /// How many decimals the smallest unit has: 9 where nanoseconds are shown as seconds.
    let digits: Int
    /// A histogram's bounds in the smallest unit.
    let bounds: [Int]
    private let cells = Mutex<[MetricLabels: Cell]>([:])

    init(_ kind: Kind, _ name: String, _ help: String, digits: Int, bounds: [Int]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.digits = digits
        self.bounds = bounds
    }

    /// The counter with these labels; made when it is first asked for. Outside a family of counters it counts for nobody.
    func counter(_ labels: MetricLabels = .none) -> CounterCell {
        if case .counter(let cell) = self.cell(labels) { return cell }
        return CounterCell()
    }

    /// The gauge with these labels, as ``counter(_:)``.
    func gauge(_ labels: MetricLabels = .none) -> GaugeCell {
        if case .gauge(let cell) = self.cell(labels) { return cell }
        return GaugeCell()
    }

    /// The histogram with these labels, as ``counter(_:)``.
    func histogram(_ labels: MetricLabels = .none) -> HistogramCell {
        if case .histogram(let cell) = self.cell(labels) { return cell }
        return HistogramCell(bounds: self.bounds)
    }

    private func cell(_ labels: MetricLabels) -> Cell {
        self.cells.withLock { cells in
            if let known = cells[labels] { return known }
            let made: Cell =
                switch self.kind {
                case .counter: .counter(CounterCell())
                case .gauge: .gauge(GaugeCell())
                case .histogram: .histogram(HistogramCell(bounds: self.bounds))
                }
            cells[labels] = made
            return made
        }
    }

    /// Forgets a series.
    func remove(_ labels: MetricLabels) {
        self.cells.withLock { $0[labels] = nil }
    }

    /// What the series say now, in the order to show.
    var snapshot: MetricReading {
        let cells = self.cells.withLock { Array($0) }.sorted { $0.key.text < $1.key.text }
        return MetricReading(
            kind: self.kind, name: self.name, help: self.help, digits: self.digits, bounds: self.bounds,
            samples: cells.map { labels, cell in
                let value: MetricReading.Value =
                    switch cell {
                    case .counter(let cell): .whole(cell.value)
                    case .gauge(let cell): .real(cell.value)
                    case .histogram(let cell): .histogram(cell.snapshot)
                    }
                return MetricReading.Sample(labels: labels, value: value)
            })
    }
}
