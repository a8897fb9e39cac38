import NeedletailRouting

/// What is kept from providers and clients.
extension ConfigurationSchema {
    static let privacy: [SchemaKey] = [
        SchemaKey("redact", .oneOrMore(.switchOr(Self.redaction))),
        SchemaKey("deny", .list(.section(Self.deny))),
        SchemaKey("hooks", .list(.section(Self.hook))),
        SchemaKey("content", .switchOr(Self.content)),
    ]

    private static let redaction: [SchemaKey] =
        [
            SchemaKey("enabled", .boolean),
            SchemaKey("action", .word(Self.actions, enforced: Self.actions)),
            SchemaKey("restore", .boolean),
        ] + SensitiveKind.allCases.map { SchemaKey($0.name, .word(Self.switched, enforced: Self.switched)) }
        + Self.scope

    private static let deny: [SchemaKey] =
        [
            SchemaKey("name", .name),
            SchemaKey("enabled", .boolean),
            SchemaKey("words", .list(.string)),
            SchemaKey("file", .string),
            SchemaKey("action", .word(Self.denials, enforced: Self.denials)),
        ] + Self.scope

    private static let hook: [SchemaKey] =
        [
            SchemaKey("name", .name),
            SchemaKey("enabled", .boolean),
            SchemaKey("url", .url),
            SchemaKey("secret", .secret),
            SchemaKey("headers", .named(.header)),
            SchemaKey("when", .oneOrMore(.word(Self.phases, enforced: Self.phases))),
            SchemaKey("timeout", .duration(allowsZero: false)),
            SchemaKey("on_failure", .word(["refuse", "allow"], enforced: ["refuse", "allow"])),
            SchemaKey("max_size", .size),
            SchemaKey("streams", .word(["hold", "pass"], enforced: ["hold", "pass"])),
        ] + Self.scope

    private static let content: [SchemaKey] =
        [
            SchemaKey("enabled", .boolean),
            SchemaKey("retention", .duration(allowsZero: false)),
            SchemaKey("max_size", .size),
        ] + Self.scope

    /// Whose requests.
    private static let scope: [SchemaKey] = ["key", "tenant", "model"].map { SchemaKey($0, .oneOrMore(.string)) }

    private static let actions = ["redact", "refuse", "log"]
    private static let switched = RedactionPolicy.Action.allCases.map(\.rawValue) + ["true", "false"]
    private static let denials = DenyList.Action.allCases.map(\.rawValue)
    private static let phases = HookCall.Phase.allCases.map(\.rawValue)
}
