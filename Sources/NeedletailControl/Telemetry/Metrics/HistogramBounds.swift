/// The bucket bounds of the histograms, in nanoseconds or tokens.
enum HistogramBounds {
    private static func seconds(_ values: [Double]) -> [Int] {
        values.map { Int(($0 * 1e9).rounded()) }
    }

    /// As OpenTelemetry's [GenAI metrics](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/) say for
    /// `gen_ai.client.operation.duration` and `gen_ai.server.request.duration`.
    static let operation = Self.seconds([
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ])
    /// The same for `gen_ai.client.token.usage`.
    static let tokens = (0...13).map { 1 << (2 * $0) }
    /// The same for `gen_ai.server.time_to_first_token`.
    static let firstToken = Self.seconds([
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ])
    /// The same for `gen_ai.server.time_per_output_token`.
    static let perToken = Self.seconds([0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5])
    /// What the gateway adds, which is well under a millisecond.
    static let overhead = Self.seconds([
        0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1,
    ])
    /// How late an event loop comes to what is due.
    static let lag = Self.seconds([0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1])
}
