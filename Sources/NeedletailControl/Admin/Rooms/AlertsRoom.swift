import NIOHTTP1
import NeedletailCore

/// What is wrong, what was, and how the objectives stand.
struct AlertsRoom: AdminRoom {
    let title = "Alerts"
    let monitor: AlertMonitor

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/alerts", .read,
                "What is wrong now, the gravest first; what happened of late, newest first; the rules and the webhooks."
            ) { _ in self.alerts() },
            AdminRoute(
                .GET, "/objectives", .read,
                "What is promised, what was kept of it, and how fast the error budgets are spent."
            ) { _ in self.objectives() },
        ]
    }

    private func alerts() -> AdminReply {
        let monitor = self.monitor
        let (now, wall) = (monitor.now, monitor.wallSeconds)
        return .object { json in
            json.member("data", objects: monitor.active) { json, alert in
                json.member("alert", alert.rule.name)
                json.member("state", alert.isFiring ? "firing" : "pending")
                json.member("severity", alert.rule.severity.rawValue)
                json.member("metric", alert.rule.metric.rawValue)
                json.member("scope", alert.rule.scope.dimension.rawValue)
                json.member("subject", String(alert.subject.prefix(200)))
                json.member("value", number: alert.value, decimals: 6)
                json.member("threshold", number: alert.rule.threshold, decimals: 6)
                json.member("since", time: wall - now.duration(since: alert.since).components.seconds)
            }
            json.member("recent", objects: monitor.events.reversed()) { json, event in
                json.member("id", event.id)
                json.member("at", time: event.wallNanoseconds / 1_000_000_000)
                json.member("alert", event.rule.name)
                json.member("severity", event.rule.severity.rawValue)
                json.member("scope", event.rule.scope.dimension.rawValue)
                json.member("subject", event.shownSubject)
                json.member("status", AlertLogLine.status(event))
                json.member("value", number: event.value, decimals: 6)
                json.member("message", event.message)
            }
            json.member("rules", objects: monitor.rules) { json, rule in
                json.member("name", rule.name)
                json.member("metric", rule.metric.rawValue)
                json.member("scope", rule.scope.dimension.rawValue)
                json.member("threshold", number: rule.threshold, decimals: 6)
                json.member("clear", number: rule.clear, decimals: 6)
                json.member("for_seconds", seconds: rule.holds)
                json.member("severity", rule.severity.rawValue)
                json.member("built_in", rule.isBuiltIn)
            }
            json.member("webhooks", objects: monitor.webhooks) { json, webhook in
                json.member("name", webhook.configuration.name)
                json.member("format", webhook.configuration.format.rawValue)
                json.member("sent", webhook.sent)
                json.member("failed_tries", webhook.failedTries)
                json.member("dropped", webhook.dropped)
            }
        }
    }

    private func objectives() -> AdminReply {
        let monitor = self.monitor
        let now = monitor.now
        return .object { json in
            json.member("counting_since", time: monitor.began)
            json.member("data", objects: monitor.objectives) { json, state in
                json.member("name", state.objective.name)
                json.member("scope", state.objective.scope.dimension.rawValue)
                json.member("window_seconds", seconds: state.objective.window)
                json.member("ttft_p95_seconds", seconds: state.objective.firstToken)
                let promises = Objective.Promise.allCases.filter { state.objective.target($0) != nil }
                json.member("promises", objects: promises) { Self.write($1, of: state, now: now, into: &$0) }
            }
        }
    }

    private static func write(
        _ promise: Objective.Promise, of state: ObjectiveState, now: Instant, into json: inout JSONWriter
    ) {
        let (all, bad) = state.counts(state.objective.window, now: now).total(promise)
        let burnt = state.burnRate(promise, state.objective.window, now: now)
        json.member("promise", promise.rawValue)
        json.member("target", number: state.objective.target(promise), decimals: 6)
        json.member("actual", number: all > 0 ? 1 - Double(bad) / Double(all) : nil, decimals: 6)
        json.member("requests", all)
        json.member("bad", bad)
        json.member("kept", burnt.map { $0 <= 1 })
        json.member("error_budget_left", number: 1 - (burnt ?? 0), decimals: 6)
        json.member("burn_rates", objects: BurnWindow.all) { json, pair in
            let (long, short) = (pair.long(state.objective.window), pair.short(state.objective.window))
            json.member("window_seconds", seconds: long)
            json.member("burn_rate", number: state.burnRate(promise, long, now: now), decimals: 6)
            json.member("short_window_seconds", seconds: short)
            json.member("short_burn_rate", number: state.burnRate(promise, short, now: now), decimals: 6)
            json.member("alert_at", number: pair.factor)
        }
    }
}
