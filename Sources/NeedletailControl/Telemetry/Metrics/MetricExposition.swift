import NIOCore

/// Writes metrics as text for Prometheus.
struct MetricExposition {
    /// The two formats that Prometheus asks for.
    enum Format: Sendable, Hashable {
        /// [Prometheus' own](https://prometheus.io/docs/instrumenting/exposition_formats/), version 0.0.4.
        case prometheus
        /// [OpenMetrics](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md) 1.0.
        case openMetrics

        /// The format to answer in to an `accept` header.
        init(accept: String?) {
            self = accept?.contains("application/openmetrics-text") ?? false ? .openMetrics : .prometheus
        }

        /// The value of `content-type`.
        var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private let format: Format
    private var out: ByteBuffer

    /// All of `readings` as text.
    static func text(_ readings: [MetricReading], _ format: Format) -> ByteBuffer {
        var writer = Self(format: format, out: ByteBuffer())
        writer.out.reserveCapacity(64 << 10)
        for reading in readings { writer.write(reading) }
        if format == .openMetrics { writer.out.writeString("# EOF\n") }
        return writer.out
    }

    private mutating func write(_ reading: MetricReading) {
        // OpenMetrics names the family of a counter without the suffix of its samples.
        var family = reading.name
        if self.format == .openMetrics, reading.kind == .counter, family.hasSuffix("_total") { family.removeLast(6) }
        self.out.writeString("# HELP \(family) \(reading.help)\n# TYPE \(family) \(reading.kind.rawValue)\n")
        for sample in reading.samples {
            switch sample.value {
            case .whole(let value): self.line(reading.name, sample.labels, Self.decimal(value, reading.digits))
            case .real(let value): self.line(reading.name, sample.labels, Self.text(value))
            case .histogram(let snapshot): self.write(snapshot, of: reading, sample.labels)
            }
        }
    }

    private mutating func write(
        _ snapshot: HistogramCell.Snapshot, of reading: MetricReading, _ labels: MetricLabels
    ) {
        let separator = labels.text.isEmpty ? "" : ","
        var running = 0
        for (index, count) in snapshot.counts.enumerated() {
            running += count
            let isLast = index == reading.bounds.count
            let bound = isLast ? "+Inf" : self.bound(reading.bounds[index], reading.digits)
            self.out.writeString(
                "\(reading.name)_bucket{\(labels.text)\(separator)le=\"\(bound)\"} \(running)\n")
        }
        self.line(reading.name + "_sum", labels, Self.decimal(snapshot.sum, reading.digits))
        self.line(reading.name + "_count", labels, String(running))
    }

    private mutating func line(_ name: String, _ labels: MetricLabels, _ value: String) {
        self.out.writeString(name)
        if !labels.text.isEmpty { self.out.writeString("{\(labels.text)}") }
        self.out.writeString(" \(value)\n")
    }

    /// A bound; OpenMetrics wants a point in every number here.
    private func bound(_ value: Int, _ digits: Int) -> String {
        let text = Self.decimal(value, digits)
        return self.format == .openMetrics && !text.contains(".") ? text + ".0" : text
    }

    /// A whole number of a unit with so many decimals, exactly.
    static func decimal(_ value: Int, _ digits: Int) -> String {
        guard digits > 0 else { return String(value) }
        var unit = 1
        for _ in 0..<digits { unit *= 10 }
        let (whole, rest) = value.magnitude.quotientAndRemainder(dividingBy: UInt(unit))
        var text = (value < 0 ? "-" : "") + String(whole)
        guard rest > 0 else { return text }
        var decimals = String(rest)
        decimals = String(repeating: "0", count: digits - decimals.utf8.count) + decimals
        while decimals.hasSuffix("0") { decimals.removeLast() }
        text += "." + decimals
        return text
    }

    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
        return value.description
    }
}
