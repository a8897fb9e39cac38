import NeedletailCore

extension ConfigurationBuilder {
    /// More objectives than this would cost every request.
    private static let mostObjectives = 100

    /// When somebody is told, and what is promised.
    mutating func alerts(
        _ node: ConfigurationNode?, objectives: ConfigurationNode?, _ configuration: Configuration
    ) -> AlertConfiguration {
        var alerts = AlertConfiguration()
        alerts.objectives = self.objectives(objectives, configuration)
        guard let node else { return alerts }
        guard node.scalar?.text != "false", node.isEnabled else {
            if let first = alerts.objectives.first {
                self.faults.warning(
                    at: node.position, "alerts are off, so that nobody is told when '\(first.name)' is missed",
                    "leave alerts on, or take the objectives out")
            }
            alerts.rules = []
            return alerts
        }
        if node.bool("defaults") == false { alerts.rules = [] }
        assign(node.duration("interval"), to: &alerts.interval)
        alerts.webhooks = self.webhooks(node["webhooks"])
        for element in node["rules"]?.elements ?? [] {
            guard case .mapping = element.content, element.isEnabled,
                let rule = self.rule(element, alerts.webhooks, configuration)
            else { continue }
            if alerts.rules.contains(where: { $0.name == rule.name && !$0.isBuiltIn })
                || BurnWindow.all.contains(where: { $0.name == rule.name })
            {
                self.faults.error(
                    at: element["name"]?.position ?? element.position, "there are two rules named '\(rule.name)'",
                    "give each its own name")
            }
            // A rule of a built-in one's name takes its place.
            alerts.rules.removeAll { $0.name == rule.name }
            alerts.rules.append(rule)
        }
        return alerts
    }

    // MARK: Webhooks

    private mutating func webhooks(_ node: ConfigurationNode?) -> [AlertConfiguration.Webhook] {
        var webhooks: [AlertConfiguration.Webhook] = []
        for element in node?.elements ?? [] {
            guard case .mapping = element.content, element.isEnabled else { continue }
            for name in ["name", "url"] where !element.entries.contains(where: { $0.key == name }) {
                self.faults.error(
                    at: element.position, "this webhook has no '\(name)'",
                    "write { name: ops, url: { env: OPS_WEBHOOK } }")
            }
            guard let name = element.text("name"), let address = element["url"] else { continue }
            let literal = address.scalar.map { Secret($0.text) }
            guard let url = literal ?? self.secrets.secret(address, "the URL of '\(name)'", &self.faults) else {
                continue
            }
            guard WebhookURL(url.exposed) != nil else {
                // It may hold a token: it is not shown.
                self.faults.error(
                    at: address.position, "the URL of the webhook '\(name)' is none",
                    "write http:// or https://, a host and a path")
                continue
            }
            if webhooks.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: element["name"]?.position ?? element.position, "there are two webhooks named '\(name)'",
                    "give each its own name")
            }
            var webhook = AlertConfiguration.Webhook(name: name, url: url)
            assign(element.text("format").flatMap { .init(rawValue: $0) }, to: &webhook.format)
            webhook.secret = element["secret"].flatMap {
                self.secrets.secret($0, "the secret of the webhook '\(name)'", &self.faults)
            }
            assign(element.text("severity").flatMap { AlertSeverity(rawValue: $0) }, to: &webhook.severity)
            assign(element.duration("timeout"), to: &webhook.timeout)
            webhooks.append(webhook)
        }
        return webhooks
    }

    // MARK: Rules

    private mutating func rule(
        _ node: ConfigurationNode, _ webhooks: [AlertConfiguration.Webhook], _ configuration: Configuration
    ) -> AlertRule? {
        for name in ["name", "metric"] where !node.entries.contains(where: { $0.key == name }) {
            self.faults.error(
                at: node.position, "this rule has no '\(name)'",
                "write { name: slow, metric: latency_p95, provider: \"*\", threshold: 20s }")
        }
        guard let name = node.text("name"), let metric = node.text("metric").flatMap({ AlertMetric(rawValue: $0) }),
            let scope = self.scope(node, metric, configuration),
            let threshold = self.threshold("threshold", node, metric)
        else { return nil }
        let clear = node["clear"] == nil ? threshold : self.threshold("clear", node, metric)
        guard let clear else { return nil }
        if metric.isBadWhenLow ? clear < threshold : clear > threshold {
            self.faults.error(
                at: node["clear"]?.position ?? node.position,
                "'\(name)' would be taken back while it is still bad",
                "write a clear \(metric.isBadWhenLow ? "at or above" : "at or below") the threshold")
        }
        var rule = AlertRule(name: name, metric: metric, scope: scope, threshold: threshold, clear: clear)
        assign(node.duration("for"), to: &rule.holds)
        assign(node.text("severity").flatMap { AlertSeverity(rawValue: $0) }, to: &rule.severity)
        for key in ["window", "minimum_requests"] where node[key] != nil && !metric.isCounted {
            self.faults.error(
                at: node[key]?.position ?? node.position, "'\(key)' means nothing for \(metric.rawValue)", "take it out"
            )
        }
        assign(node.duration("window"), to: &rule.window)
        assign(node.int("minimum_requests"), to: &rule.minimumRequests)
        if node["notify"] != nil {
            rule.notify = node.oneOrMore("notify")
            for wanted in rule.notify ?? [] where !webhooks.contains(where: { $0.name == wanted }) {
                self.faultOfName(
                    wanted, "webhook", among: webhooks.map(\.name), at: node["notify"]?.position ?? node.position)
            }
        }
        return rule
    }

    /// Of what; everything of the metric's usual kind where nothing is said.
    private mutating func scope(
        _ node: ConfigurationNode, _ metric: AlertMetric, _ configuration: Configuration
    ) -> AlertScope? {
        let named = AlertScope.configurable.filter { node[$0.rawValue] != nil }
        guard let dimension = named.first else { return metric.scopes.first.map { AlertScope($0) } }
        let position = node[dimension.rawValue]?.position ?? node.position
        guard named.count == 1 else {
            self.faults.error(
                at: position,
                "a rule is about one kind of thing, not \(named.map(\.rawValue).joined(separator: " and "))",
                "write a rule for each")
            return nil
        }
        guard metric.scopes.contains(dimension) else {
            let possible = metric.scopes.filter { AlertScope.configurable.contains($0) }.map(\.rawValue)
            self.faults.error(
                at: position, "there is no \(metric.rawValue) of a \(dimension.rawValue)",
                "write \(possible.joined(separator: " or ")), or another metric")
            return nil
        }
        guard let pattern = node.text(dimension.rawValue) else { return nil }
        self.checkName(pattern, dimension, at: position, configuration)
        return AlertScope(dimension, pattern)
    }

    /// A name without a pattern must be somebody's, where all names are known.
    private mutating func checkName(
        _ name: String, _ dimension: AlertScope.Dimension, at position: SourcePosition, _ configuration: Configuration
    ) {
        let known: [String]
        switch dimension {
        case .provider: known = configuration.providers.map(\.name)
        case .model where !name.contains("/"):
            self.faults.error(
                at: position, "'\(name)' is no model at a provider", "write provider/model, or a pattern with '*'")
            return
        case .group where !name.contains("/"): known = configuration.groups.map(\.name)
        case .tenant: known = (configuration.keys ?? []).compactMap(\.tenant)
        // Keys and their tenants may be in the store too, and counts of budgets have their subjects' names.
        case .gateway, .model, .group, .key, .budget, .objective: return
        }
        guard !name.contains("*"), !known.contains(name) else { return }
        if dimension == .tenant, configuration.store.path != nil { return }
        self.faultOfName(name, dimension.rawValue, among: known, at: position)
    }

    private mutating func faultOfName(
        _ name: String, _ kind: String, among known: [String], at position: SourcePosition
    ) {
        let nearest = NearestNames.nearestNames(to: name, among: known, limit: 1).first
        self.faults.error(
            at: position, "'\(name)' is no \(kind) of this configuration",
            nearest.map { "did you mean '\($0)'?" } ?? "write a name that there is, or a pattern with '*'")
    }

    private mutating func threshold(_ key: String, _ node: ConfigurationNode, _ metric: AlertMetric) -> Double? {
        if metric.unit == .flag {
            guard let value = node[key] else { return 1 }
            self.faults.error(
                at: value.position, "'\(key)' means nothing for \(metric.rawValue), which is so or not", "take it out")
            return nil
        }
        guard let value = node[key] else {
            self.faults.error(
                at: node.position, "this rule has no '\(key)'",
                metric.unit == .duration ? "write threshold: 20s" : "write threshold: 0.1")
            return nil
        }
        guard let text = value.scalar?.text else { return nil }
        switch metric.unit {
        case .duration:
            if let duration = DurationText.parse(text), duration > .zero {
                return Double(duration.wholeNanoseconds) / 1e9
            }
            self.faults.error(
                at: value.position, "'\(key)' of \(metric.rawValue) is a time",
                "write a number with a unit, for example 20s")
        default:
            if let number = Double(text), number > 0, number <= 1 { return number }
            self.faults.error(
                at: value.position, "'\(key)' of \(metric.rawValue) is a share above 0 and up to 1",
                "write for example 0.1 for ten percent")
        }
        return nil
    }

    // MARK: Objectives

    private mutating func objectives(_ node: ConfigurationNode?, _ configuration: Configuration) -> [Objective] {
        var objectives: [Objective] = []
        for element in node?.elements ?? [] {
            guard case .mapping = element.content, element.isEnabled else { continue }
            guard let name = element.text("name") else {
                if !element.entries.contains(where: { $0.key == "name" }) {
                    self.faults.error(
                        at: element.position, "this objective has no 'name'",
                        "write { name: chat, group: chat, availability: 99.9 }")
                }
                continue
            }
            if element["group"] != nil, element["tenant"] != nil {
                self.faults.error(
                    at: element.position, "the objective '\(name)' is about a group and a tenant", "write one for each")
            }
            var scope = AlertScope(.gateway)
            for dimension in [AlertScope.Dimension.group, .tenant] {
                guard let pattern = element.text(dimension.rawValue) else { continue }
                scope = AlertScope(dimension, pattern)
                self.checkName(
                    pattern, dimension, at: element[dimension.rawValue]?.position ?? element.position, configuration)
            }
            var objective = Objective(name: name, scope: scope)
            objective.availability = element.double("availability")
                .map { ($0 * 1_000).rounded() / 100_000 }
            objective.firstToken = element.duration("ttft_p95")
            assign(element.duration("window"), to: &objective.window)
            if element["availability"] == nil, element["ttft_p95"] == nil {
                self.faults.error(
                    at: element.position, "the objective '\(name)' promises nothing",
                    "write availability: 99.9, or ttft_p95: 2s")
            }
            if !(.seconds(86_400) ... .seconds(90 * 86_400)).contains(objective.window) {
                self.faults.error(
                    at: element["window"]?.position ?? element.position, "the window of '\(name)' is out of range",
                    "write from 1d to 90d")
                continue
            }
            if objectives.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: element["name"]?.position ?? element.position, "there are two objectives named '\(name)'",
                    "give each its own name")
            }
            objectives.append(objective)
        }
        if objectives.count > Self.mostObjectives, let node {
            self.faults.error(
                at: node.position, "there are \(objectives.count) objectives",
                "write at most \(Self.mostObjectives); a pattern with '*' makes one of many")
        }
        return objectives
    }
}
