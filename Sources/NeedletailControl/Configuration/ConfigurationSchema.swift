import NeedletailCore
import NeedletailRouting

/// Every key a configuration may hold. This table is the one place that says what a key takes and what is enforced:
/// unknown keys, wrong types and "accepted, not enforced" are judged by it, and `docs/configuration.md` is tested
/// against it.
enum ConfigurationSchema {
    /// The strategies of the contract.
    static let strategies = [
        "priority", "round_robin", "weighted", "least_loaded", "fastest_first", "latency_weighted", "load_balanced",
        "cost_optimal", "adaptive", "learned",
    ]

    static let count = SchemaKind.integer(1...Int.max)
    static let positive = SchemaKind.duration(allowsZero: false)

    /// The top level.
    static let root: [SchemaKey] = [
        SchemaKey("listen", .section(Self.listen)),
        SchemaKey("providers", .named(.section(Self.provider))),
        SchemaKey("models", .named(.section(Self.group))),
        SchemaKey("default", .section(Self.group)),
        SchemaKey("experiments", .named(.section(Self.experiment))),
        SchemaKey("routes", .list(.section(Self.route))),
        SchemaKey("keys", .list(.section(Self.key))),
        SchemaKey("prices", .section(Self.prices)),
        SchemaKey("tenants", .named(.section([SchemaKey("limits", .section(Self.groupLimits))]))),
        SchemaKey("overload", .section([SchemaKey("max_in_flight", Self.count)])),
        SchemaKey("telemetry", .section(Self.telemetry)),
        SchemaKey("cache", .switchOr(Self.cache)),
        SchemaKey("alerts", .switchOr(Self.alerts)),
        SchemaKey("objectives", .list(.section(Self.objective))),
        SchemaKey("privacy", .section(Self.privacy)),
        SchemaKey("admin", .section(Self.admin)),
        SchemaKey("store", .scalarOr(.word(Self.switches, enforced: Self.switches), Self.store)),
        SchemaKey("budgets", .list(.section(Self.budget))),
        SchemaKey("vault", .section(Self.vault)),
        SchemaKey("jwt", .list(.section(Self.tokenIssuer))),
    ]

    static let tokenIssuer: [SchemaKey] = [
        SchemaKey("name", .name),
        SchemaKey("enabled", .boolean),
        SchemaKey("issuer", .string),
        SchemaKey("audience", .oneOrMore(.string)),
        SchemaKey("jwks_url", .url),
        SchemaKey("leeway", .duration(allowsZero: true)),
        SchemaKey("refresh", Self.positive),
        SchemaKey(
            "clients",
            .section(
                [
                    SchemaKey(
                        "claims", .section(["name", "tenant", "team", "tags", "models"].map { SchemaKey($0, .string) }))
                ] + Self.grant)),
        SchemaKey(
            "admin",
            .section([
                SchemaKey("claim", .string),
                SchemaKey("roles", .named(.word(Self.roles, enforced: Self.roles))),
            ])),
    ]

    static let vault: [SchemaKey] = [
        SchemaKey("master_key", .section(Self.masterKey)),
        SchemaKey("previous_key", .section(Self.masterKey)),
        SchemaKey("warn_after", Self.positive),
    ]

    private static let masterKey: [SchemaKey] = [
        SchemaKey("env", .string), SchemaKey("file", .string), SchemaKey("command", .list(.string)),
    ]

    static let cache: [SchemaKey] = [
        SchemaKey("enabled", .boolean),
        SchemaKey("ttl", Self.positive),
        SchemaKey("max_size", .size),
        SchemaKey("max_reply_size", .size),
        SchemaKey("persist", .switchOr([SchemaKey("max_size", .size), SchemaKey("wait", Self.positive)])),
        SchemaKey(
            "semantic",
            .section([
                SchemaKey("embeddings", .string),
                SchemaKey("threshold", .number(0...1)),
                SchemaKey("max_entries", .integer(1...1_000_000)),
            ])),
    ]

    static let listen: [SchemaKey] = [
        SchemaKey("api", .address),
        SchemaKey("admin", .address),
        SchemaKey("tls", .section([SchemaKey("cert", .string), SchemaKey("key", .string)])),
        SchemaKey("body_limit", .size),
        SchemaKey("cors", .switchOr([SchemaKey("origins", .list(.string))])),
        SchemaKey("drain", .duration(allowsZero: true)),
        SchemaKey("trusted_proxies", .list(.string)),
    ]

    static let admin: [SchemaKey] = [
        SchemaKey("key", .secret),
        SchemaKey(
            "keys",
            .list(
                .section([
                    SchemaKey("name", .name),
                    SchemaKey("key", .secret),
                    SchemaKey("role", .word(Self.roles, enforced: Self.roles)),
                    SchemaKey("enabled", .boolean),
                ]))
        ),
        SchemaKey("open", .list(.word(Self.openPaths, enforced: Self.openPaths))),
        SchemaKey("watch", .boolean),
    ]

    private static let roles = AdminRole.allCases.map(\.rawValue)
    private static let openPaths = AdminConfiguration.OpenPath.allCases.map(\.rawValue)

    private static let dialects = DialectID.allCases.map(\.rawValue)

    static let provider: [SchemaKey] = [
        SchemaKey("type", .providerType),
        SchemaKey("enabled", .boolean),
        SchemaKey("base_url", .url),
        SchemaKey("api", .word(Self.dialects, enforced: Self.dialects)),
        SchemaKey("api_key", .secret),
        SchemaKey("api_keys", .list(.section(Self.weightedKey))),
        SchemaKey("settings", .named(.header)),
        SchemaKey("timeouts", .section(Self.timeouts)),
        SchemaKey("retry", .switchOr(Self.retry)),
        SchemaKey("circuit_breaker", .switchOr(Self.circuitBreaker)),
        SchemaKey("limits", .scalarOr(Self.off, Self.limits)),
        SchemaKey("model_limits", .named(.section(Self.modelLimits))),
        SchemaKey(
            "health_check",
            .switchOr([SchemaKey("interval", Self.positive), SchemaKey("timeout", Self.positive)])
        ),
        SchemaKey("priority", .integer(0...1_000_000)),
        SchemaKey("weight", .number(0...1_000_000)),
        SchemaKey("headers", .named(.header)),
        SchemaKey("ca_file", .string),
        SchemaKey("proxy", .url),
        SchemaKey("models", .list(.string)),
        SchemaKey("capabilities", .named(.section(Self.capabilities))),
        SchemaKey("fetch_urls", .boolean),
        SchemaKey(
            "quirks",
            .section([
                SchemaKey(
                    "max_tokens_field",
                    .word(
                        ["max_tokens", "max_completion_tokens"],
                        enforced: [
                            "max_tokens", "max_completion_tokens",
                        ]
                    )
                ),
                SchemaKey("stream_usage", .boolean),
                SchemaKey("inline_media_only", .boolean),
                SchemaKey("reasoning_details", .boolean),
            ])
        ),
        SchemaKey("discount", .number(0...1)),
        SchemaKey("on_disconnect", .word(["cancel", "drain"], enforced: ["cancel", "drain"])),
        SchemaKey("script", .string),
        SchemaKey("delay", .duration(allowsZero: true)),
        SchemaKey("seed", .integer(0...Int.max)),
        SchemaKey(
            "faults", .switchOr([SchemaKey("script", .string), SchemaKey("seed", .integer(0...Int.max))])),
    ]

    private static let switches = ["on", "off", "true", "false"]

    static let store: [SchemaKey] = [
        SchemaKey("path", .string),
        SchemaKey("flush_interval", Self.positive),
        SchemaKey("buffer", Self.count),
        SchemaKey("ledger_retention", Self.positive),
    ]

    static let budget: [SchemaKey] =
        [
            SchemaKey("name", .name),
            SchemaKey("enabled", .boolean),
            SchemaKey("limit", .money),
            SchemaKey("tokens", Self.count),
            SchemaKey("per", .word(Self.periods, enforced: Self.periods)),
            SchemaKey("window", .word(["calendar", "rolling"], enforced: ["calendar", "rolling"])),
            SchemaKey("zone", .string),
            SchemaKey("key", .string),
            SchemaKey("tenant", .string),
            SchemaKey("team", .string),
            SchemaKey("tag", .string),
            SchemaKey("user", .string),
            SchemaKey("provider", .string),
            SchemaKey("model", .string),
            SchemaKey("each", .word(Self.dimensions, enforced: Self.dimensions)),
        ] + Self.spent

    /// The budget of a key, of the configuration or in the store.
    static let storedBudget: [SchemaKey] =
        [SchemaKey("limit", .money), SchemaKey("per", .word(Self.periods, enforced: Self.periods))] + Self.spent

    /// What a budget does as it is spent.
    private static let spent: [SchemaKey] = [
        SchemaKey("warn", .list(.number(0...1))),
        SchemaKey("clamp", .boolean),
        SchemaKey(
            "on_exhausted",
            .scalarOr(
                .word(["refuse", "queue"], enforced: ["refuse", "queue"]),
                [SchemaKey("downgrade", .string), SchemaKey("queue", Self.positive)])),
    ]

    private static let dimensions = BudgetRule.Dimension.allCases.map(\.rawValue)

    static let prices: [SchemaKey] = [
        SchemaKey("unknown", .scalarOr(.word(["refuse", "allow"], enforced: ["refuse", "allow"]), Self.unknownPrice)),
        SchemaKey("models", .named(.section(Self.price))),
        SchemaKey("file", .string),
    ]

    /// The file of prices.
    static let priceFile: [SchemaKey] = [SchemaKey("models", .named(.section(Self.price)))]

    static let unknownPrice: [SchemaKey] = [SchemaKey("per_call", .money)]

    /// A model's rates: dollars for a million tokens, or for one of what is no token.
    static let price: [SchemaKey] =
        PriceKind.allCases.filter { $0 != .searchMaximum }.map { SchemaKey($0.name, .money) } + [
            SchemaKey("same_as", .string),
            SchemaKey("free", .boolean),
            SchemaKey("discount", .number(0...1)),
        ]

    static let capabilities: [SchemaKey] = [
        SchemaKey("context_window", Self.count),
        SchemaKey("max_output_tokens", Self.count),
        SchemaKey("vision", .boolean),
        SchemaKey("tools", .boolean),
        SchemaKey("structured_output", .boolean),
        SchemaKey("reasoning", .boolean),
    ]

    static let weightedKey: [SchemaKey] = [
        SchemaKey("key", .secret),
        SchemaKey("weight", .number(0...1_000_000)),
        SchemaKey("enabled", .boolean),
    ]

    static let timeouts: [SchemaKey] = [
        SchemaKey("connect", Self.positive),
        SchemaKey("first_token", Self.positive),
        SchemaKey("idle", Self.positive),
        SchemaKey("total", Self.positive),
        SchemaKey(
            "adaptive",
            .switchOr([SchemaKey("factor", .number(1...100)), SchemaKey("floor", Self.positive)])),
    ]

    static let retry: [SchemaKey] = [
        SchemaKey("max_attempts", .integer(1...100)),
        SchemaKey("base_delay", .duration(allowsZero: true)),
        SchemaKey("backoff_factor", .number(1...100)),
        SchemaKey("max_delay", .duration(allowsZero: true)),
        SchemaKey("jitter", .boolean),
    ]

    static let circuitBreaker: [SchemaKey] = [
        SchemaKey("failure_threshold", Self.count),
        SchemaKey("success_threshold", Self.count),
        SchemaKey("recovery_timeout", Self.positive),
        SchemaKey("half_open_limit", Self.count),
        SchemaKey("error_rate", .number(0...1)),
        SchemaKey("window", Self.positive),
        SchemaKey("minimum_requests", Self.count),
    ]

    /// What switches limits off.
    private static let off = SchemaKind.word(["off", "false"], enforced: ["off", "false"])

    static let limits: [SchemaKey] = [
        SchemaKey("concurrency", Self.count),
        SchemaKey("rpm", Self.count),
        SchemaKey("rph", Self.count),
        SchemaKey("tpm", Self.count),
        SchemaKey("burst", Self.count),
        SchemaKey("adaptive", .boolean),
        SchemaKey("daily_budget", .money),
        SchemaKey("cost_per_request", .money),
    ]

    /// The limits of a client key, a tenant or a group: nobody refuses behind these, so that there is nothing to follow.
    static let keyLimits: [SchemaKey] = Self.limits.filter { $0.name != "adaptive" }
    /// The limits of one model at a provider.
    static let modelLimits: [SchemaKey] = Self.limits.filter {
        !["daily_budget", "cost_per_request"].contains($0.name)
    }
    /// The limits of a group.
    static let groupLimits: [SchemaKey] = Self.modelLimits.filter { $0.name != "adaptive" }

    static let group: [SchemaKey] = [
        SchemaKey("enabled", .boolean),
        SchemaKey("strategy", .word(Self.strategies, enforced: Self.strategies)),
        SchemaKey("targets", .list(.scalarOr(.string, Self.target))),
        SchemaKey("max_attempts", .integer(1...100)),
        SchemaKey("health_threshold", .number(0...1)),
        SchemaKey("slow_start", .duration(allowsZero: true)),
        SchemaKey(
            "sticky", .scalarOr(.word(["conversation"], enforced: ["conversation"]), [SchemaKey("header", .string)])),
        SchemaKey("affinity", .word(["prompt_cache"], enforced: ["prompt_cache"])),
        SchemaKey("adaptive", .section(["latency", "errors", "cost", "load", "headroom"].map(Self.share))),
        SchemaKey(
            "learned",
            .section(["success", "latency", "cost"].map(Self.share) + [SchemaKey("floor", .number(0...0.5))])),
        SchemaKey("limits", .section(Self.groupLimits)),
        SchemaKey(
            "retry_budget",
            .switchOr([SchemaKey("ratio", .number(0...10)), SchemaKey("per_second", .integer(0...1_000_000))])),
        SchemaKey(
            "queue",
            .switchOr([SchemaKey("size", .integer(1...100_000)), SchemaKey("timeout", Self.positive)])),
        SchemaKey(
            "hedge",
            .switchOr([
                SchemaKey("enabled", .boolean), SchemaKey("after", .hedgeDelay), SchemaKey("budget", .number(0...1)),
            ])),
        SchemaKey("fallbacks", .listOr(.scalarOr(.string, Self.fallback), Self.fallbacks)),
        SchemaKey("mid_stream", .word(Self.midStream, enforced: Self.midStream)),
        SchemaKey("contract", .section(Self.contract)),
        SchemaKey("coalesce", .boolean),
        SchemaKey("tiers", .section(Self.tiers)),
        SchemaKey("shadow", .section(Self.shadow)),
    ]

    private static func share(_ name: String) -> SchemaKey { SchemaKey(name, .number(0...1_000_000)) }
    private static let midStream = ["never", "restart", "continue"]

    static let contract: [SchemaKey] = ["empty", "json", "truncated"].map {
        SchemaKey($0, .word(["pass", "fail"], enforced: ["pass", "fail"]))
    }

    /// A target that is asked in the order of its list, so that shares and priorities mean nothing.
    static let fallback: [SchemaKey] = Self.target.filter { !["weight", "priority"].contains($0.name) }

    static let fallbacks: [SchemaKey] = [
        SchemaKey("any", .list(.scalarOr(.string, Self.fallback))),
        SchemaKey("context_window", .string),
        SchemaKey("content_filter", .string),
    ]

    static let target: [SchemaKey] = [
        SchemaKey("to", .string),
        SchemaKey("weight", .number(0...1_000_000)),
        SchemaKey("priority", .integer(0...1_000_000)),
        SchemaKey("api", .word(Self.dialects, enforced: Self.dialects)),
        SchemaKey("enabled", .boolean),
    ]

    /// Who a key speaks for and what it opens.
    static let grant: [SchemaKey] = [
        SchemaKey("tenant", .name),
        SchemaKey("team", .name),
        SchemaKey("tags", .list(.name)),
        SchemaKey("client_tags", .list(.string)),
        SchemaKey("metadata", .named(.string)),
        SchemaKey("models", .list(.string)),
        SchemaKey("providers", .list(.string)),
        SchemaKey("surfaces", .list(.word(Self.surfaces, enforced: Self.surfaces))),
        SchemaKey("networks", .list(.string)),
    ]

    private static let surfaces = ClientSurface.allCases.map(\.rawValue)

    static let key: [SchemaKey] =
        Self.grant + [
            SchemaKey("name", .name),
            SchemaKey("key", .secret),
            SchemaKey("enabled", .boolean),
            SchemaKey("limits", .section(Self.keyLimits)),
            SchemaKey("priority", .word(Self.priorities, enforced: Self.priorities)),
            SchemaKey("budget", .section(Self.storedBudget)),
        ]

    private static let priorities = RequestPriority.allCases.map(\.rawValue)
    private static let periods = ["minute", "hour", "day", "week", "month", "total"]

    static let telemetry: [SchemaKey] = [
        SchemaKey(
            "log",
            .section([
                SchemaKey("level", Self.logLevel),
                SchemaKey("format", .word(["json", "text"], enforced: ["json", "text"])),
                SchemaKey("requests", .word(Self.requestLines, enforced: Self.requestLines)),
                SchemaKey("modules", .named(Self.logLevel)),
            ])
        ),
        SchemaKey("metrics", .section([SchemaKey("max_series", .integer(1...100_000))])),
        SchemaKey(
            "requests",
            .section([
                SchemaKey("size", .integer(1...100_000)), SchemaKey("history", Self.positive),
                SchemaKey("path", .string),
            ])),
        SchemaKey(
            "traces",
            .section([
                SchemaKey("sample", .number(0...1)),
                SchemaKey("errors", .boolean),
                SchemaKey("propagate", .boolean),
            ])),
        SchemaKey("otlp", .section(Self.otlp)),
    ]

    private static let requestLines = TelemetryConfiguration.RequestLines.allCases.map(\.rawValue)

    private static let otlp: [SchemaKey] = [
        SchemaKey("endpoint", .url),
        SchemaKey("headers", .named(.header)),
        SchemaKey("timeout", .duration(allowsZero: false)),
        SchemaKey("interval", .duration(allowsZero: false)),
        SchemaKey("traces", .boolean),
        SchemaKey("metrics", .boolean),
        SchemaKey("logs", .boolean),
        SchemaKey("service_name", .string),
        SchemaKey("attributes", .named(.string)),
    ]

    /// swift-log's levels.
    static let logLevel = SchemaKind.word(Self.logLevels, enforced: Self.logLevels)
    private static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    /// Every key with its path, `providers.*.retry.max_attempts`, in the order of the table.
    static var paths: [String] {
        var found: [String] = []
        Self.collect(Self.root, "", into: &found)
        return found
    }

    private static func collect(_ keys: [SchemaKey], _ prefix: String, into found: inout [String]) {
        for key in keys {
            found.append(prefix + key.name)
            Self.collect(key.kind, prefix + key.name, into: &found)
        }
    }

    private static func collect(_ kind: SchemaKind, _ path: String, into found: inout [String]) {
        switch kind {
        case .section(let keys), .switchOr(let keys), .scalarOr(_, let keys):
            Self.collect(keys, path + ".", into: &found)
        case .listOr(let inner, let keys):
            Self.collect(inner, path + "[]", into: &found)
            Self.collect(keys, path + ".", into: &found)
        case .named(let inner): Self.collect(inner, path + ".*", into: &found)
        case .list(let inner): Self.collect(inner, path + "[]", into: &found)
        case .oneOrMore(let inner): Self.collect(inner, path, into: &found)
        default: break
        }
    }
}

extension ConfigurationSchema {
    /// Whether the key at `path` (as in ``paths``) is accepted without effect.
    static func isAccepted(_ path: String) -> Bool {
        var keys = Self.root
        var found: Enforcement?
        for part in path.replacing("[]", with: "").split(separator: ".") where part != "*" {
            guard let key = keys.first(where: { $0.name == part }) else { return false }
            found = found == nil || found == .enforced ? key.enforcement : found
            keys = Self.keys(of: key.kind)
        }
        return found != nil && found != .enforced
    }

    private static func keys(of kind: SchemaKind) -> [SchemaKey] {
        switch kind {
        case .section(let keys), .switchOr(let keys), .scalarOr(_, let keys): keys
        case .named(let inner), .list(let inner), .oneOrMore(let inner): Self.keys(of: inner)
        case .listOr(let inner, let keys): Self.keys(of: inner) + keys
        default: []
        }
    }
}
