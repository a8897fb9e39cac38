import NeedletailCore
import NeedletailGateway
import NeedletailRouting

/// Where the monitor finds what nobody counts for it.
struct AlertSources: Sendable {
    /// The models at the providers.
    var deployments: @Sendable () -> [Deployment]
    /// The health of the providers.
    var health: @Sendable () -> HealthReport
    /// How the budgets stand.
    var budgets: @Sendable () async -> [BudgetLevel]
    /// The ages of the keys that may be used, in seconds.
    var keyAges: @Sendable () -> [AlertBoard.Reading]

    /// Those of a gateway.
    static func of(_ running: RunningConfiguration, _ store: GatewayStore) -> Self {
        Self(
            deployments: { running.current.stack.deployments.all },
            health: { running.current.stack.health() },
            budgets: {
                // A store that is away says so itself.
                guard store.budgets.isActive, let balances = try? await store.balances() else { return [] }
                let now = store.wallSeconds
                return store.budgets.rules.filter { $0.window.period != .call && $0.limit > 0 }.flatMap { rule in
                    BudgetLine(rule).counts(balances, now: now).map { count in
                        BudgetLevel(rule, count, mine: store.budgets.outstanding(count.counter))
                    }
                }
            },
            keyAges: {
                let now = store.wallSeconds
                return (store.keys?.known ?? []).filter { $0.isValid(at: now) }.map {
                    AlertBoard.Reading(subject: $0.name, value: Double(now - $0.created))
                }
            })
    }
}
