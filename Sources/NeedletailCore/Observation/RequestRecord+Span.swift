extension RequestRecord {
    /// What its span is called.
    package var spanName: String { self.operation.spanName(model: self.model) }

    /// Says what its span says: the attributes of the
    /// [semantic conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/). Never what was said.
    package func writeSpanAttributes(to attributes: inout some SpanAttributeWriter) {
        attributes.add("gen_ai.operation.name", self.operation.conventionalName)
        attributes.add("gen_ai.provider.name", self.provider?.rawValue)
        attributes.add("gen_ai.request.model", self.model)
        attributes.add("gen_ai.response.model", self.answeredModel)
        attributes.add("http.response.status_code", self.status)
        attributes.add(self.usage)
        attributes.add("gen_ai.server.time_to_first_token", self.timeToFirstToken)
        attributes.add("needletail.request_id", self.id)
        attributes.add("needletail.surface", self.surface?.rawValue)
        attributes.add("needletail.stream", self.isStreaming)
        attributes.add("needletail.cached", self.isCached)
        attributes.add("needletail.attempts", self.attempts.count)
        attributes.add("needletail.overhead", self.overhead)
        attributes.add("needletail.key", self.keyName)
        attributes.add("needletail.tenant", self.request.tenant)
        attributes.add("needletail.cost_usd", self.cost.picoDollars.map { Double($0) / 1e12 })
        attributes.add("needletail.lossy", self.losses.map(\.field).prefix(32).map { TelemetryText.cut($0) })
        let bookkeeping = self.losses.ofBookkeeping
        if !bookkeeping.isEmpty {
            attributes.add("needletail.lossy_bookkeeping", bookkeeping.prefix(32).map { TelemetryText.cut($0) })
        }
        attributes.add(self.outcome)
    }
}
