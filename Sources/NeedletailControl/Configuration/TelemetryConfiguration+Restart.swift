extension TelemetryConfiguration {
    /// The keys whose settings differ and that a running process cannot take over. The others it does: levels of the log, the
    /// share of the traces and what providers are told of them.
    func restartNeeded(from old: Self) -> [String] {
        let pairs: [(String, Bool)] = [
            ("telemetry.log.format", old.logFormat == self.logFormat),
            ("telemetry.log.requests", old.requestLines == self.requestLines),
            ("telemetry.metrics.max_series", old.maximumSeries == self.maximumSeries),
            ("telemetry.requests.size", old.requestLogSize == self.requestLogSize),
            ("telemetry.requests.history", old.requestHistory?.retention == self.requestHistory?.retention),
            ("telemetry.requests.path", old.requestHistory?.path == self.requestHistory?.path),
            ("telemetry.traces.errors", old.samplesErrors == self.samplesErrors),
            ("telemetry.otlp", old.otlp == self.otlp),
        ]
        return pairs.filter { !$0.1 }.map(\.0)
    }
}
