extension TelemetryConfiguration {
    /// The keys whose settings differ and that a running process cannot take over: in which file requests are kept.
    func restartNeeded(from old: Self) -> [String] {
        guard let kept = self.requestHistory, let before = old.requestHistory else {
            return self.requestHistory == old.requestHistory ? [] : ["telemetry.requests.history"]
        }
        return kept.path == before.path ? [] : ["telemetry.requests.path"]
    }
}
