extension ConfigurationBuilder {
    /// What is logged, counted and traced.
    mutating func telemetry(_ node: ConfigurationNode?) -> TelemetryConfiguration {
        var telemetry = TelemetryConfiguration()
        if let log = node?["log"] {
            assign(log.text("level"), to: &telemetry.logLevel)
            telemetry.logFormat = log.text("format").flatMap { .init(rawValue: $0) }
        }
        assign(node?["metrics"]?.int("max_series"), to: &telemetry.maximumSeries)
        return telemetry
    }
}
