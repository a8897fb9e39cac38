/// Takes the attributes of a span, whoever keeps it; those without a value are left out.
package protocol SpanAttributeWriter {
    /// Adds a text.
    mutating func add(_ name: String, _ value: String?)
    /// Adds a whole number.
    mutating func add(_ name: String, _ value: Int?)
    /// Adds a truth.
    mutating func add(_ name: String, _ value: Bool)
    /// Adds a number.
    mutating func add(_ name: String, _ value: Double?)
    /// Adds texts.
    mutating func add(_ name: String, _ value: [String])
}

extension SpanAttributeWriter {
    /// Adds what was used.
    mutating func add(_ usage: Usage?) {
        guard let usage else { return }
        self.add("gen_ai.usage.input_tokens", usage.inputTokens)
        self.add("gen_ai.usage.output_tokens", usage.outputTokens)
        self.add("gen_ai.usage.cache_read.input_tokens", usage.cachedInputTokens)
        self.add("gen_ai.usage.cache_creation.input_tokens", usage.cacheWriteTokens)
        self.add("gen_ai.usage.reasoning.output_tokens", usage.reasoningTokens)
    }

    /// Adds what went wrong.
    mutating func add(_ end: Outcome) {
        switch end.end {
        case .finished: break
        case .failed(let error): self.add("error.type", error.code.metricName)
        case .abandoned: self.add("error.type", NeedletailError.Code.cancelled.metricName)
        }
    }

    /// Adds a duration in seconds.
    mutating func add(_ name: String, _ duration: Duration?) {
        self.add(name, duration.map { Double($0.wholeNanoseconds) / 1e9 })
    }
}
