import NeedletailRouting

/// How a group tries: budget of retries, queue, hedging, limits, fallbacks.
extension ConfigurationBuilder {
    mutating func readPolicies(_ node: ConfigurationNode, _ group: inout GroupConfiguration) {
        group.limits = self.limits(node["limits"])
        if let budget = node["retry_budget"] {
            var policy = RetryBudgetPolicy()
            assign(budget.double("ratio"), to: &policy.ratio)
            assign(budget.int("per_second"), to: &policy.perSecond)
            group.retryBudget = budget.scalar?.text == "false" ? nil : policy
        }
        if let queue = node["queue"] {
            var policy = QueuePolicy(waitsForRates: true)
            assign(queue.int("size"), to: &policy.size)
            assign(queue.duration("timeout"), to: &policy.timeout)
            if queue.scalar?.text == "false" { policy.size = 0 }
            group.queue = policy
        }
        guard let hedge = node["hedge"], hedge.scalar?.text != "false", hedge.bool("enabled") != false else { return }
        var policy = HedgePolicy()
        assign(hedge.text("after").flatMap { HedgeDelayText.parse($0) }, to: &policy.after)
        assign(hedge.double("budget"), to: &policy.budget)
        group.hedge = policy
        if group.targets.count < 2, case .sequence = node["targets"]?.content, self.isAlone(group) {
            self.faults.warning(
                at: hedge.position, "there is no second target to ask, so that nothing is hedged", "add a target")
        }
        if group.maxAttempts < 2 {
            self.faults.warning(
                at: hedge.position, "'max_attempts' is 1, so that nothing is hedged", "write max_attempts: 2 or more")
        }
    }

    /// Whether a group's one target is a provider, which cannot be asked twice at a time.
    private func isAlone(_ group: GroupConfiguration) -> Bool {
        guard case .provider = group.targets.first?.destination else { return false }
        return true
    }

    mutating func readFallbacks(
        _ node: ConfigurationNode?, _ group: inout GroupConfiguration, _ references: References
    ) {
        guard let node else { return }
        guard case .mapping = node.content else {
            group.fallbacks = self.targets(node, references)
            return
        }
        group.fallbacks = self.targets(node["any"], references)
        group.contextWindowFallback = self.target(node["context_window"], references)
        group.contentFilterFallback = self.target(node["content_filter"], references)
    }

    private mutating func target(_ node: ConfigurationNode?, _ references: References) -> TargetConfiguration? {
        guard let node, let destination = self.destination(node, references) else { return nil }
        if case .provider(let name, _) = destination, references.disabled.contains(name) { return nil }
        return TargetConfiguration(destination: destination, position: node.position)
    }
}

extension GroupConfiguration {
    /// Whoever may answer beside the group's own targets.
    var allFallbacks: [TargetConfiguration] {
        self.fallbacks + [self.contextWindowFallback, self.contentFilterFallback].compactMap { $0 }
    }
}
