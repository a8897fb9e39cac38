/// What is told, to whom, and what is promised.
extension ConfigurationSchema {
    static let alerts: [SchemaKey] = [
        SchemaKey("enabled", .boolean),
        SchemaKey("defaults", .boolean),
        SchemaKey("interval", Self.positive),
        SchemaKey("rules", .list(.section(Self.alertRule))),
        SchemaKey("webhooks", .list(.section(Self.webhook))),
    ]

    private static let metrics = AlertMetric.configurable.map(\.rawValue)
    private static let severities = AlertSeverity.allCases.map(\.rawValue)
    private static let formats = AlertConfiguration.Webhook.Format.allCases.map(\.rawValue)

    static let alertRule: [SchemaKey] =
        [
            SchemaKey("name", .name),
            SchemaKey("enabled", .boolean),
            SchemaKey("metric", .word(Self.metrics, enforced: Self.metrics)),
        ] + AlertScope.configurable.map { SchemaKey($0.rawValue, .string) } + [
            SchemaKey("threshold", .string),
            SchemaKey("clear", .string),
            SchemaKey("for", .duration(allowsZero: true)),
            SchemaKey("window", Self.positive),
            SchemaKey("minimum_requests", Self.count),
            SchemaKey("severity", .word(Self.severities, enforced: Self.severities)),
            SchemaKey("notify", .oneOrMore(.string)),
        ]

    static let webhook: [SchemaKey] = [
        SchemaKey("name", .name),
        SchemaKey("enabled", .boolean),
        SchemaKey("url", .header),
        SchemaKey("format", .word(Self.formats, enforced: Self.formats)),
        SchemaKey("secret", .secret),
        SchemaKey("severity", .word(Self.severities, enforced: Self.severities)),
        SchemaKey("timeout", Self.positive),
    ]

    static let objective: [SchemaKey] = [
        SchemaKey("name", .name),
        SchemaKey("enabled", .boolean),
        SchemaKey("group", .string),
        SchemaKey("tenant", .string),
        SchemaKey("availability", .number(50...99.999)),
        SchemaKey("ttft_p95", Self.positive),
        SchemaKey("window", Self.positive),
    ]
}
