extension AttemptRecord {
    /// What its span is called.
    package var spanName: String { self.operation.spanName(model: self.model) }

    /// Says what its span says; see ``RequestRecord/writeSpanAttributes(to:)``.
    package func writeSpanAttributes(to attributes: inout some SpanAttributeWriter) {
        attributes.add("gen_ai.operation.name", self.operation.conventionalName)
        attributes.add("gen_ai.provider.name", self.provider.rawValue)
        attributes.add("gen_ai.request.model", self.model)
        attributes.add(self.outcome.usage)
        attributes.add("http.response.status_code", self.error?.upstream?.status ?? (self.isCommitted ? 200 : nil))
        attributes.add("needletail.request_id", self.request.id)
        attributes.add("needletail.attempt.number", self.number)
        attributes.add("needletail.attempt.cause", self.cause.rawValue)
        attributes.add("needletail.attempt.sent", self.wasSent)
        attributes.add("needletail.attempt.dialect", self.dialect?.rawValue)
        attributes.add("needletail.attempt.time_to_first_token", self.timeToFirstToken)
        attributes.add("needletail.cost_usd", self.cost.picoDollars.map { Double($0) / 1e12 })
        attributes.add("needletail.upstream_request_id", self.error?.upstream?.requestID)
        attributes.add(self.outcome)
    }
}
