import NeedletailCore

/// The series of requests that were refused before anybody was asked, for one reason.
final class RefusalSeries: Sendable {
    /// What tells the series apart; none of it is a client's to make up.
    struct Key: SeriesKey {
        var surface: DialectID
        var status: Int
        var code: NeedletailError.Code

        var folded: Self { self }
    }

    let count: CounterCell

    init(_ key: Key, _ families: RequestMetricFamilies) {
        self.count = families.refusals.counter(
            MetricLabels([
                "surface": key.surface.rawValue, "status": String(key.status), "error_type": key.code.metricName,
            ]))
    }
}
