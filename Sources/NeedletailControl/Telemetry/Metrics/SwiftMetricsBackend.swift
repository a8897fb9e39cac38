import CoreMetrics
import NeedletailCore
import Synchronization

/// A back-end of [swift-metrics](https://github.com/apple/swift-metrics): what libraries count appears among the gateway's
/// own metrics.
///
/// Names and labels become Prometheus': `http.requests` is `http_requests_total`, a timer `x` is `x_seconds`. At most
/// ``capacity`` series are shown; what is counted in further ones is not.
final class SwiftMetricsBackend: MetricsFactory {
    /// How many series are shown.
    static let capacity = 1_000
    /// Recorders take fractions; they are kept to the millionth.
    private static let recorderDigits = 6
    private static let recorderScale = 1e6
    /// Nothing is known of what a recorder records: one bucket for each power of ten from a thousandth to a billion.
    private static let recorderBounds = (3...15).map { exponent in (0..<exponent).reduce(1) { unit, _ in unit * 10 } }

    private let registry: MetricRegistry
    private let series = Atomic<Int>(0)

    init(_ registry: MetricRegistry) {
        self.registry = registry
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let name = Self.name(label, suffix: "_total")
        guard self.hasRoom() else { return CounterBridge(CounterCell()) }
        return CounterBridge(self.registry.counters(name, "The counter '\(label)'.").counter(Self.labels(dimensions)))
    }

    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        let name = Self.name(label, suffix: "_total")
        guard self.hasRoom() else { return FractionCounterBridge(CounterCell()) }
        return FractionCounterBridge(
            self.registry.counters(name, "The counter '\(label)'.", digits: FractionCounterBridge.digits)
                .counter(Self.labels(dimensions)))
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        GaugeBridge(self.gauge(label, dimensions))
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return GaugeBridge(self.gauge(label, dimensions)) }
        guard self.hasRoom() else { return RecorderBridge(HistogramCell(bounds: []), scale: Self.recorderScale) }
        let family = self.registry.histograms(
            Self.name(label), "The recorder '\(label)'.", digits: Self.recorderDigits, bounds: Self.recorderBounds)
        return RecorderBridge(family.histogram(Self.labels(dimensions)), scale: Self.recorderScale)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        guard self.hasRoom() else { return TimerBridge(HistogramCell(bounds: [])) }
        let family = self.registry.histograms(
            Self.name(label, suffix: "_seconds"), "The timer '\(label)'.", digits: 9, bounds: HistogramBounds.firstToken
        )
        return TimerBridge(family.histogram(Self.labels(dimensions)))
    }

    // Handlers of the same labels share a series, so that one which is given back must not take it from the others: a
    // series stays as long as the process, as Prometheus likes it best.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell {
        guard self.hasRoom() else { return GaugeCell() }
        return self.registry.gauges(Self.name(label), "The gauge '\(label)'.").gauge(Self.labels(dimensions))
    }

    private func hasRoom() -> Bool {
        self.series.wrappingAdd(1, ordering: .relaxed).newValue <= Self.capacity
    }

    private static func labels(_ dimensions: [(String, String)]) -> MetricLabels {
        MetricLabels(dimensions.map { MetricLabels.Pair(name: Self.name($0.0), value: $0.1) })
    }

    /// A name that Prometheus takes: letters, digits and `_`, not a digit first.
    static func name(_ label: String, suffix: String = "") -> String {
        var name = ""
        for character in label.unicodeScalars {
            let isPlain =
                character.isASCII && (character.properties.isAlphabetic || character.properties.numericType != nil)
            name.unicodeScalars.append(isPlain ? character : "_")
        }
        if name.isEmpty || name.first?.isNumber == true { name = "_" + name }
        return name.hasSuffix(suffix) ? name : name + suffix
    }
}
