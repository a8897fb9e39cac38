/// The families that requests are counted in. `docs/metrics.md` has their table, which a test compares.
struct RequestMetricFamilies: Sendable {
    // What the seeds' dashboards read.
    let sent: MetricFamily
    let errors: MetricFamily
    let providerDuration: MetricFamily
    // OpenTelemetry's semantic conventions for generative AI.
    let clientDuration: MetricFamily
    let tokenUsage: MetricFamily
    let serverDuration: MetricFamily
    let firstToken: MetricFamily
    let perToken: MetricFamily
    // The gateway's own.
    let requests: MetricFamily
    let refusals: MetricFamily
    let attempts: MetricFamily
    let cancelled: MetricFamily
    let specialTokens: MetricFamily
    let cost: MetricFamily
    let unpriced: MetricFamily
    let losses: MetricFamily
    let cache: MetricFamily
    let overhead: MetricFamily
    let keyRequests: MetricFamily
    let keyFailures: MetricFamily
    let keyTokens: MetricFamily
    let keyCost: MetricFamily

    init(_ registry: MetricRegistry) {
        let seconds = { (name: String, help: String, bounds: [Int]) in
            registry.histograms(name, help, digits: 9, bounds: bounds)
        }
        self.sent = registry.counters("provider_request_total", "Calls sent to providers, every attempt counted.")
        self.errors = registry.counters("provider_error_total", "Calls to providers that failed, by class of error.")
        self.providerDuration = seconds(
            "provider_request_duration_seconds", "Time from the start of a call to the end of its reply.",
            HistogramBounds.operation)
        self.clientDuration = seconds(
            "gen_ai_client_operation_duration_seconds", "Duration of calls to providers.", HistogramBounds.operation)
        self.tokenUsage = registry.histograms(
            "gen_ai_client_token_usage", "Tokens that calls to providers used.", digits: 0,
            bounds: HistogramBounds.tokens)
        self.serverDuration = seconds(
            "gen_ai_server_request_duration_seconds", "Duration of requests as clients see them.",
            HistogramBounds.operation)
        self.firstToken = seconds(
            "gen_ai_server_time_to_first_token_seconds", "Time to the first event of streamed replies.",
            HistogramBounds.firstToken)
        self.perToken = seconds(
            "gen_ai_server_time_per_output_token_seconds",
            "Time per output token after the first of streamed replies.", HistogramBounds.perToken)
        self.requests = registry.counters(
            "needletail_requests_total", "Requests that the stack was asked, by how they ended.")
        self.refusals = registry.counters(
            "needletail_refusals_total", "Requests that were refused before anybody was asked.")
        self.attempts = registry.counters(
            "needletail_attempts_total", "Calls sent to providers, by why they were made.")
        self.cancelled = registry.counters(
            "needletail_attempts_cancelled_total", "Calls to providers that nobody waited for any longer.")
        self.specialTokens = registry.counters(
            "needletail_tokens_total", "Tokens with a price of their own; part of gen_ai_client_token_usage.")
        self.cost = registry.counters("needletail_cost_dollars_total", "What calls to providers cost.", digits: 12)
        self.unpriced = registry.counters(
            "needletail_unpriced_attempts_total", "Calls that used tokens at a price nobody knows.")
        self.losses = registry.counters(
            "needletail_lossy_replies_total", "Replies whose translation left out more than a provider's bookkeeping.")
        self.cache = registry.counters(
            "needletail_cache_requests_total", "Replies by how they relate to the cache.")
        self.overhead = seconds(
            "needletail_overhead_seconds", "What the gateway itself took until a reply was committed.",
            HistogramBounds.overhead)
        self.keyRequests = registry.counters("needletail_key_requests_total", "Requests by client key.")
        self.keyFailures = registry.counters(
            "needletail_key_failed_requests_total", "Requests by client key that failed.")
        self.keyTokens = registry.counters("needletail_key_tokens_total", "Tokens of the replies by client key.")
        self.keyCost = registry.counters("needletail_key_cost_dollars_total", "Cost by client key.", digits: 12)
    }
}
