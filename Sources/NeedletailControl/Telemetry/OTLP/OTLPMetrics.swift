import NIOCore

/// Writes metrics, cumulative since the start. Those of the semantic conventions get their own names back, with points.
enum OTLPMetrics {
    /// The names of the conventions, with their units.
    private static let conventional: [String: (name: String, unit: String)] = [
        "gen_ai_client_operation_duration_seconds": ("gen_ai.client.operation.duration", "s"),
        "gen_ai_client_token_usage": ("gen_ai.client.token.usage", "{token}"),
        "gen_ai_server_request_duration_seconds": ("gen_ai.server.request.duration", "s"),
        "gen_ai_server_time_to_first_token_seconds": ("gen_ai.server.time_to_first_token", "s"),
        "gen_ai_server_time_per_output_token_seconds": ("gen_ai.server.time_per_output_token", "s"),
    ]
    private static let labels = [
        "gen_ai_operation_name": "gen_ai.operation.name", "gen_ai_provider_name": "gen_ai.provider.name",
        "gen_ai_request_model": "gen_ai.request.model", "gen_ai_token_type": "gen_ai.token.type",
        "error_type": "error.type",
    ]

    /// `ExportMetricsServiceRequest`.
    ///
    /// - Parameters:
    ///   - start: When counting began, in nanoseconds since 1970.
    ///   - now: When the metrics were read.
    static func request(
        _ readings: [MetricReading], start: Int64, now: Int64, _ resource: OTLPResource
    ) -> ByteBuffer {
        resource.envelope { scope in
            for reading in readings {
                scope.message(2) { Self.write(reading, UInt64(max(0, start)), UInt64(max(0, now)), into: &$0) }
            }
        }.bytes
    }

    private static func write(
        _ reading: MetricReading, _ start: UInt64, _ now: UInt64, into metric: inout ProtobufWriter
    ) {
        let known = Self.conventional[reading.name]
        metric.string(1, known?.name ?? reading.name)
        metric.string(2, reading.help)
        metric.string(3, known?.unit ?? (reading.name.hasSuffix("_seconds") ? "s" : ""))
        var scale = 1.0
        for _ in 0..<reading.digits { scale *= 10 }
        switch reading.kind {
        case .gauge:
            metric.message(5) { gauge in
                for sample in reading.samples {
                    gauge.message(1) { Self.write(sample, nil, now, scale, into: &$0) }
                }
            }
        case .counter:
            metric.message(7) { sum in
                for sample in reading.samples {
                    sum.message(1) { Self.write(sample, start, now, scale, into: &$0) }
                }
                sum.int(2, 2)
                sum.bool(3, true)
            }
        case .histogram:
            metric.message(9) { histogram in
                for sample in reading.samples {
                    guard case .histogram(let snapshot) = sample.value else { continue }
                    histogram.message(1) { point in
                        point.fixed64(2, start)
                        point.fixed64(3, now)
                        point.fixed64(4, UInt64(snapshot.count))
                        point.double(5, Double(snapshot.sum) / scale)
                        point.packed(6, snapshot.counts.map { UInt64($0) })
                        point.packed(7, reading.bounds.map { (Double($0) / scale).bitPattern })
                        Self.attributes(sample.labels).write(9, into: &point)
                    }
                }
                histogram.int(2, 2)
            }
        }
    }

    private static func write(
        _ sample: MetricReading.Sample, _ start: UInt64?, _ now: UInt64, _ scale: Double,
        into point: inout ProtobufWriter
    ) {
        if let start { point.fixed64(2, start) }
        point.fixed64(3, now)
        switch sample.value {
        case .whole(let value) where scale == 1: point.fixed64(6, UInt64(bitPattern: Int64(value)))
        case .whole(let value): point.double(4, Double(value) / scale)
        case .real(let value): point.double(4, value)
        case .histogram: break
        }
        Self.attributes(sample.labels).write(7, into: &point)
    }

    private static func attributes(_ labels: MetricLabels) -> OTLPAttributes {
        var attributes = OTLPAttributes()
        for pair in labels.pairs { attributes.add(Self.labels[pair.name] ?? pair.name, pair.value) }
        return attributes
    }
}
