/// The keys of a mock's script.
enum MockScriptSchema {
    static let keys: [SchemaKey] = [
        SchemaKey("seed", .integer(0...Int.max)),
        SchemaKey("usage", .section(Self.usage)),
        SchemaKey("delay", .duration(allowsZero: true)),
        SchemaKey("chunk_delay", .duration(allowsZero: true)),
        SchemaKey("models", .list(.string)),
        SchemaKey(
            "rules",
            .list(
                .section([
                    SchemaKey("match", .section(Self.match)),
                    SchemaKey("reply", .section(Self.reply)),
                    SchemaKey("fault", .section(Self.fault)),
                ]))),
    ]

    private static let tokens = 0...1_000_000_000_000

    private static let usage = [
        SchemaKey("input", .integer(Self.tokens)),
        SchemaKey("output", .integer(Self.tokens)),
        SchemaKey("cached", .integer(Self.tokens)),
        SchemaKey("reasoning", .integer(Self.tokens)),
    ]

    private static let match = [
        SchemaKey("path", .string),
        SchemaKey("model", .string),
        SchemaKey("method", .string),
        SchemaKey("stream", .boolean),
        SchemaKey("key", .string),
        SchemaKey("contains", .string),
        SchemaKey("nth", .integer(1...Int.max)),
        SchemaKey("every", .integer(1...Int.max)),
        SchemaKey("probability", .number(0...1)),
    ]

    private static let reply = [
        SchemaKey("status", .integer(200...599)),
        SchemaKey("headers", .named(.string)),
        SchemaKey("body", .open),
        SchemaKey("text", .string),
        SchemaKey(
            "tool_calls",
            .list(
                .section([
                    SchemaKey("id", .string),
                    SchemaKey("name", .string),
                    SchemaKey("arguments", .open),
                ]))),
        SchemaKey("reasoning", .string),
        SchemaKey("fixture", .string),
        SchemaKey("delay", .duration(allowsZero: true)),
        SchemaKey("chunk_delay", .duration(allowsZero: true)),
        SchemaKey("chunks", .integer(1...1_000_000)),
        SchemaKey("usage", .section(Self.usage)),
    ]

    private static let fault = [
        SchemaKey("at", .string),
        SchemaKey(
            "kind",
            .word(
                ["reset", "stall", "garbage", "error_event", "slow"],
                enforced: ["reset", "stall", "garbage", "error_event", "slow"])),
        SchemaKey("for", .duration(allowsZero: true)),
    ]
}
