/// What a family says at one moment: read of its series, or collected from elsewhere when somebody asks.
struct MetricReading: Sendable {
    /// A number.
    enum Value: Sendable {
        /// In the smallest unit.
        case whole(Int)
        /// As it is.
        case real(Double)
        /// In the smallest unit.
        case histogram(HistogramCell.Snapshot)
    }

    /// One series.
    struct Sample: Sendable {
        var labels: MetricLabels
        var value: Value
    }

    var kind: MetricFamily.Kind
    var name: String
    var help: String
    var digits = 0
    var bounds: [Int] = []
    var samples: [Sample]

    /// A gauge that is read elsewhere.
    static func gauge(_ name: String, _ help: String, _ samples: [(MetricLabels, Double)]) -> Self {
        Self(
            kind: .gauge, name: name, help: help,
            samples: samples.map { Sample(labels: $0.0, value: .real($0.1)) })
    }

    /// A gauge without labels.
    static func gauge(_ name: String, _ help: String, _ value: Double) -> Self {
        Self.gauge(name, help, [(.none, value)])
    }

    /// A counter that is kept elsewhere.
    static func counter(_ name: String, _ help: String, digits: Int = 0, _ samples: [(MetricLabels, Int)]) -> Self {
        Self(
            kind: .counter, name: name, help: help, digits: digits,
            samples: samples.map { Sample(labels: $0.0, value: .whole($0.1)) })
    }
}
