import NeedletailCore

/// The targets of a ``FailoverGroup``, those of groups inside it in their place, and who chooses among them.
struct FailoverLayout {
    /// The targets.
    let targets: [Target]
    /// Who chooses among them.
    let balancer: any Balancer

    private struct Entry: Sendable {
        var member: FailoverMember
        var provider: any Provider
        var model: String?
    }

    init(_ group: FailoverGroup, deployments: DeploymentTable, time: TimeSource) throws(NeedletailError) {
        let layout = NestedLayout(try Self.plan(group))
        self.targets = layout.places.map { place in
            let (entry, member) = (place.entry, place.entry.member)
            return Target(
                entry.provider, model: entry.model, priority: place.priority, weight: place.weight,
                retry: member.retry, deployment: Self.deployment(of: entry, in: deployments, now: time.now()),
                price: member.price, judge: member.judge)
        }
        self.balancer = layout.balancer
    }

    private static func plan(_ group: FailoverGroup) throws(NeedletailError) -> NestedLayout<Entry>.Group {
        guard !group.members.isEmpty else {
            throw NeedletailError(.invalidRequest, "The group '\(group.name)' has no members.")
        }
        if group.strategy.countsWeights, !group.members.contains(where: { $0.weight > 0 }) {
            throw NeedletailError(.invalidRequest, "The weights of the group '\(group.name)' sum to nothing.")
        }
        var plan = NestedLayout<Entry>.Group(
            balancer: group.strategy.makeBalancer(),
            isNested: group.members.contains { if case .group = $0.kind { true } else { false } },
            takesTurns: group.strategy.takesTurns, affinity: group.affinity, slowStart: group.slowStart,
            healthThreshold: group.healthThreshold)
        for (number, member) in group.members.enumerated() {
            let weight = member.weight.isFinite ? max(0, member.weight) : 1
            let priority = member.priority ?? number + 1
            switch member.kind {
            case .provider(let provider, let model):
                let entry = Entry(member: member, provider: provider, model: model)
                plan.members.append(.target(entry, weight: weight, priority: priority))
            case .group(let inner):
                plan.members.append(.group(try Self.plan(inner), weight: weight, priority: priority))
            }
        }
        return plan
    }

    private static func deployment(of entry: Entry, in table: DeploymentTable, now: Instant) -> Deployment {
        let name = Deployment.Key(provider: entry.provider.id, model: entry.model)
        let policy = entry.member.circuitBreaker
        return table.deployment(name.provider, name.model) {
            let limits = entry.member.limits
            return AdmissionGate(
                breaker: CircuitBreaker(policy),
                limits: limits.isEmpty ? [] : [table.limits.scope("deployment \(name)", limits, now: now)],
                rests: entry.model == nil ? .eachModel : .whole)
        }
    }
}
