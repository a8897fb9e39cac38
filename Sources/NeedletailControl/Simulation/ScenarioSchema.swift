/// The keys of a scenario.
enum ScenarioSchema {
    static let keys: [SchemaKey] = [
        SchemaKey("duration", Self.positive),
        SchemaKey("traffic", .list(.section(Self.traffic))),
        SchemaKey("providers", .named(.section(Self.provider))),
    ]

    /// Of ``NeedletailRouting/LatencyDistribution``.
    static let distributions = ["constant", "uniform", "lognormal", "heavy_tail"]
    /// What fails, hangs or breaks, and what it is to the gateway.
    static let faults = [
        "server_error", "overloaded", "unreachable", "rate_limited", "unauthorized", "bad_request", "not_found",
        "conflict", "malformed", "hang", "break", "stall",
    ]

    private static let positive = SchemaKind.duration(allowsZero: false)
    private static let time = SchemaKind.duration(allowsZero: true)
    private static let share = SchemaKind.number(0...1)
    private static let tokens = SchemaKind.scalarOr(
        .integer(1...10_000_000),
        [SchemaKey("min", .integer(1...10_000_000)), SchemaKey("max", .integer(1...10_000_000))])

    private static let traffic: [SchemaKey] = [
        SchemaKey("model", .string),
        SchemaKey("rate", .number(0.000_001...100_000)),
        SchemaKey("arrivals", .word(["poisson", "regular"], enforced: ["poisson", "regular"])),
        SchemaKey("wave", .section([SchemaKey("period", Self.positive), SchemaKey("depth", Self.share)])),
        SchemaKey(
            "bursts",
            .section([
                SchemaKey("every", Self.positive), SchemaKey("for", Self.positive),
                SchemaKey("times", .number(0...1_000)),
            ])),
        SchemaKey("from", Self.time),
        SchemaKey("until", Self.positive),
        SchemaKey("streamed", Self.share),
        SchemaKey("input_tokens", Self.tokens),
        SchemaKey("output_tokens", Self.tokens),
        SchemaKey("leaving", Self.share),
        SchemaKey("timeout", Self.positive),
        SchemaKey("key", .string),
    ]

    private static let latency = SchemaKind.scalarOr(
        Self.time,
        [
            SchemaKey("distribution", .word(Self.distributions, enforced: Self.distributions)),
            SchemaKey("min", Self.time),
            SchemaKey("max", Self.time),
            SchemaKey("median", Self.positive),
            SchemaKey("p99", Self.positive),
            SchemaKey("alpha", .number(0.1...100)),
        ])

    private static let behaviour: [SchemaKey] = [
        SchemaKey("latency", Self.latency),
        SchemaKey("failure_latency", Self.latency),
        SchemaKey("tokens_per_second", .number(0.001...1_000_000)),
        SchemaKey("faults", .section(Self.faults.map { SchemaKey($0, Self.share) })),
        SchemaKey(
            "rate_limit",
            .switchOr([
                SchemaKey("rpm", .integer(1...100_000_000)),
                SchemaKey("burst", .integer(1...100_000_000)),
                SchemaKey("retry_after", .boolean),
            ])),
        SchemaKey("concurrency", .integer(1...1_000_000)),
    ]

    private static let provider: [SchemaKey] =
        Self.behaviour + [
            SchemaKey("price", .section([SchemaKey("input", .money), SchemaKey("output", .money)])),
            SchemaKey(
                "timeline",
                .list(
                    .section(
                        [
                            SchemaKey("from", Self.time),
                            SchemaKey("until", Self.positive),
                            SchemaKey("outage", .word(Self.faults, enforced: Self.faults)),
                        ] + Self.behaviour))),
        ]
}
