import Logging
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTransport

/// What looks at content: deny lists, redaction and hooks, built from the configuration.
struct Guards: Sendable {
    /// What they have done since the process began.
    let counts: GuardCounts
    private let privacy: PrivacyConfiguration
    private let pools: [Origin: UpstreamPool]
    private let time: TimeSource
    private let random: RandomSource

    /// - Parameter previous: What serves now: its counts and its connections go on.
    init(
        _ privacy: PrivacyConfiguration, group: any EventLoopGroup, time: TimeSource, random: RandomSource,
        logger: Logger, previous: Guards?
    ) throws(NeedletailError) {
        self.counts = previous?.counts ?? GuardCounts()
        self.privacy = privacy
        self.time = time
        self.random = random
        var pools: [Origin: UpstreamPool] = [:]
        for hook in privacy.hooks where pools[hook.origin] == nil {
            if let known = previous?.pools[hook.origin] {
                pools[hook.origin] = known
            } else {
                pools[hook.origin] = try UpstreamPool(origin: hook.origin, group: group, time: time, logger: logger)
            }
        }
        self.pools = pools
    }

    /// The stack with what is configured; nothing is added for nothing.
    func added(to stack: ProviderStackBuilder) -> ProviderStackBuilder {
        var stack = stack
        let (privacy, counts) = (self.privacy, self.counts)
        if !privacy.deny.isEmpty { stack = stack.with { DenyLayer($0, lists: privacy.deny, counts: counts) } }
        if !privacy.redaction.isEmpty {
            stack = stack.with { [random = self.random] in
                RedactionLayer(
                    $0, policies: privacy.redaction, cutters: { $0.makeEventCutter() }, random: random, counts: counts)
            }
        }
        let rules = self.rules
        if !rules.isEmpty {
            stack = stack.with { [time = self.time] in
                HookLayer($0, rules: rules, dialects: { $0.dialect }, time: time, counts: counts)
            }
        }
        return stack
    }

    private var rules: [HookRule] {
        self.privacy.hooks.compactMap { hook in
            self.pools[hook.origin].map { pool in
                HookRule(
                    WebhookHook(hook, transport: pool, time: self.time), scope: hook.scope, phases: hook.phases,
                    failsOpen: hook.failsOpen, timeout: hook.timeout, maximumSize: hook.maximumSize,
                    holdsStreams: hook.holdsStreams)
            }
        }
    }

    /// What they have done, for the metrics.
    var reading: MetricReading {
        .counter(
            "needletail_guard_events_total", "What deny lists, redaction and hooks have done.",
            self.counts.snapshot().map { event, count in
                (
                    MetricLabels(["guard": event.guardKind, "name": event.name, "outcome": event.outcome]), count
                )
            })
    }

    /// Closes the connections to the hooks.
    func shutdown() async {
        for pool in self.pools.values { await pool.shutdown() }
    }
}

extension HookConfiguration {
    fileprivate var origin: Origin {
        Origin(scheme: self.url.isSecure ? .https : .http, host: self.url.host, port: self.url.port)
    }
}
