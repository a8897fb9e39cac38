import NeedletailCore

/// Rules, experiments, tiers and shadow traffic.
extension ConfigurationSchema {
    static let route: [SchemaKey] = [
        SchemaKey("enabled", .boolean),
        SchemaKey("name", .name),
        SchemaKey("when", .section(Self.condition)),
        SchemaKey("to", .string),
        SchemaKey("shadow", .section(Self.shadow)),
    ]

    static let experiment: [SchemaKey] = [
        SchemaKey("enabled", .boolean),
        SchemaKey("when", .section(Self.condition)),
        SchemaKey("sticky", Self.sticky),
        SchemaKey("seed", .integer(0...Int.max)),
        SchemaKey(
            "arms",
            .list(
                .section([
                    SchemaKey("name", .name), SchemaKey("to", .string), SchemaKey("weight", .number(0...1_000_000)),
                ]))),
    ]

    static let condition: [SchemaKey] = [
        SchemaKey("model", .oneOrMore(.string)),
        SchemaKey("operation", .oneOrMore(.word(Self.operations, enforced: Self.operations))),
        SchemaKey("key", .oneOrMore(.string)),
        SchemaKey("tenant", .oneOrMore(.string)),
        SchemaKey("has_images", .boolean),
        SchemaKey("has_documents", .boolean),
        SchemaKey("has_audio", .boolean),
        SchemaKey("has_tools", .boolean),
        SchemaKey("has_schema", .boolean),
        SchemaKey("reasoning", .boolean),
        SchemaKey("stream", .boolean),
        SchemaKey(
            "tokens", .section([SchemaKey("min", .integer(0...Int.max)), SchemaKey("max", .integer(0...Int.max))])),
        SchemaKey("size", .section([SchemaKey("min", .size), SchemaKey("max", .size)])),
        SchemaKey("headers", .named(.string)),
        SchemaKey("time", .section(Self.time)),
        SchemaKey("percent", .number(0...100)),
        SchemaKey("sticky", Self.sticky),
        SchemaKey("seed", .integer(0...Int.max)),
    ]

    private static let time: [SchemaKey] = [
        SchemaKey("days", .list(.word(Self.days, enforced: Self.days))),
        SchemaKey("from", .string),
        SchemaKey("to", .string),
        SchemaKey("zone", .string),
    ]

    static let tiers: [SchemaKey] = [
        SchemaKey("simple", .list(.scalarOr(.string, Self.target))),
        SchemaKey("medium", .list(.scalarOr(.string, Self.target))),
        SchemaKey("complex", .list(.scalarOr(.string, Self.target))),
        SchemaKey("thresholds", .section([SchemaKey("medium", .number(0...1)), SchemaKey("complex", .number(0...1))])),
        SchemaKey(
            "weights",
            .section(
                ["tokens", "turns", "tools", "code", "schema", "reasoning"].map { SchemaKey($0, .number(0...1_000)) })),
    ]

    static let shadow: [SchemaKey] = [
        SchemaKey("enabled", .boolean),
        SchemaKey("to", .string),
        SchemaKey("percent", .number(0...100)),
        SchemaKey("budget", .integer(1...1_000_000)),
        SchemaKey("concurrency", .integer(1...10_000)),
    ]

    private static let sticky = SchemaKind.scalarOr(
        .word(Self.bases, enforced: Self.bases), [SchemaKey("header", .string)])
    private static let bases = ["key", "conversation", "request"]
    private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    /// By the words of the clients' paths.
    private static let operations = RuleOperation.allCases.map(\.rawValue)
}
