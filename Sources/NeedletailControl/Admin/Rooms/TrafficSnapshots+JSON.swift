import NeedletailCore
import NeedletailRouting

extension ExperimentSnapshot {
    /// Writes the members of an object.
    func write(into json: inout JSONWriter) {
        json.member("name", self.name)
        json.member("arms", objects: self.arms) { $1.write(into: &$0) }
        json.member("comparisons", objects: self.comparisons) { json, comparison in
            json.member("arm", comparison.arm)
            json.member("baseline", comparison.baseline)
            json.member("success_rate", comparison.successRate)
            json.member("latency_seconds", comparison.latency)
            json.member("first_token_seconds", comparison.firstToken)
            json.member("output_tokens", comparison.outputTokens)
            json.member("cost_usd", comparison.cost)
        }
    }
}

extension ExperimentSnapshot.Arm {
    fileprivate func write(into json: inout JSONWriter) {
        json.member("name", self.name)
        json.member("to", self.destination)
        json.member("share", number: self.share)
        json.member("requests", self.requests)
        json.member("succeeded", self.succeeded)
        json.member("failed", self.failed)
        json.member("neutral", self.neutral)
        json.member("success_rate", number: self.successRate, decimals: 6)
        json.member("success_rate_95", self.successInterval)
        json.member("latency_seconds", self.latency)
        json.member("first_token_seconds", self.firstToken)
        json.member("input_tokens", self.inputTokens)
        json.member("output_tokens", self.outputTokens)
        json.member("cost_usd", self.cost)
        json.member("unpriced", self.unpriced)
    }
}

extension ShadowSnapshot {
    /// Writes the members of an object.
    func write(into json: inout JSONWriter) {
        json.member("name", self.name)
        json.member("to", self.destination)
        json.member("running", self.running)
        json.member("sent", self.counts.sent)
        json.member("compared", self.counts.compared)
        json.member("alike", self.counts.alike)
        json.member("differences") { json in
            for difference in ShadowComparison.Difference.allCases {
                json.key(difference.rawValue)
                json.int(self.counts.differences[difference] ?? 0)
            }
        }
        json.member("dropped", self.counts.dropped)
        json.member("over_budget", self.counts.overBudget)
        json.member("busy", self.counts.busy)
        json.member("latency_ratio", self.latencyRatio)
        json.member("length_ratio", self.lengthRatio)
        json.member("last", objects: self.comparisons) { json, comparison in
            json.member("request_id", comparison.requestID)
            json.member("model", comparison.model)
            json.member("differences", texts: comparison.differences.map(\.rawValue).sorted())
            json.member("primary") { comparison.primary.write(into: &$0) }
            json.member("shadow") { comparison.shadow.write(into: &$0) }
        }
    }
}

extension ShadowObservation {
    fileprivate func write(into json: inout JSONWriter) {
        if let provider = self.provider { json.member("provider", provider.rawValue) }
        if !self.model.isEmpty { json.member("model", self.model) }
        json.member("status", self.status)
        if let error = self.error { json.member("error", error) }
        json.member("latency_seconds", seconds: self.latency)
        if let outline = self.outline {
            json.member("text_length", outline.textLength)
            json.member("tool_calls", texts: outline.toolCalls)
        }
        if let tokens = self.outputTokens { json.member("output_tokens", tokens) }
    }
}

extension JSONWriter {
    /// Writes a key and a measure.
    fileprivate mutating func member(_ key: StaticString, _ measure: ExperimentSnapshot.Measure) {
        self.member(key) { json in
            json.member("count", measure.count)
            json.member("mean", number: measure.count > 0 ? measure.mean : nil, decimals: 9)
            json.member("variance", number: measure.variance, decimals: 9)
            json.member("mean_95", measure.interval)
        }
    }

    /// Writes a key and the ends of an interval; `null` for none.
    fileprivate mutating func member(_ key: StaticString, _ interval: ConfidenceInterval?) {
        guard let interval else { return self.member(key, number: nil) }
        self.member(key) { json in
            json.member("low", number: interval.low, decimals: 9)
            json.member("high", number: interval.high, decimals: 9)
        }
    }
}
