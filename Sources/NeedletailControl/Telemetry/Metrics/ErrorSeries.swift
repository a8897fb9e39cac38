import NeedletailCore

/// The series of one kind of failure of one model at one provider.
final class ErrorSeries: Sendable {
    /// What tells the series apart.
    struct Key: SeriesKey {
        var provider: ProviderID
        var model: String
        var operation: NeedletailCore.Operation
        var code: NeedletailError.Code

        var folded: Self {
            Self(provider: self.provider, model: RequestMetrics.other, operation: self.operation, code: self.code)
        }
    }

    let count: CounterCell
    let duration: HistogramCell

    init(_ key: Key, _ families: RequestMetricFamilies) {
        let type = key.code.metricName
        self.count = families.errors.counter(
            MetricLabels(["provider": key.provider.rawValue, "model": key.model, "error_type": type]))
        let standard = RequestMetrics.standard(key.operation, provider: key.provider.rawValue, model: key.model)
        self.duration = families.clientDuration.histogram(
            MetricLabels(standard + [.init(name: "error_type", value: type)]))
    }
}
