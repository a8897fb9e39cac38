import NeedletailCore

/// How the targets of a group stand in one list, those of groups inside it in their place, and who chooses among them.
///
/// The weights of an inner group's targets are scaled so that they sum to the group's own, and their priorities count
/// within the group's.
struct FailoverLayout {
    /// The targets.
    let targets: [Target]
    /// Who chooses among them.
    let balancer: any Balancer

    private struct Place {
        var member: FailoverMember
        var provider: any Provider
        var model: String?
        var weight: Double
        /// Priority and number in the list, of each group from the outermost in.
        var order: [Int]
    }

    init(_ group: FailoverGroup, deployments: DeploymentTable, time: TimeSource) throws(NeedletailError) {
        let (places, balancer) = try Self.lay(group, offset: 0)
        let ranked = places.indices.sorted { places[$0].order.lexicographicallyPrecedes(places[$1].order) }
        var ranks = Array(repeating: 0, count: places.count)
        for (rank, index) in ranked.enumerated() { ranks[index] = rank }
        let isNested = group.members.contains { if case .group = $0.kind { true } else { false } }
        self.targets = places.enumerated().map { index, place in
            Target(
                place.provider, model: place.model,
                // In a plain group those of one priority are equals.
                priority: isNested ? ranks[index] : place.order.first ?? index, weight: place.weight,
                retry: place.member.retry,
                deployment: Self.deployment(of: place, in: deployments, now: time.now()), price: place.member.price,
                judge: place.member.judge)
        }
        self.balancer = balancer
    }

    private static func lay(
        _ group: FailoverGroup, offset: Int
    ) throws(NeedletailError) -> (places: [Place], balancer: any Balancer) {
        guard !group.members.isEmpty else {
            throw NeedletailError(.invalidRequest, "The group '\(group.name)' has no members.")
        }
        if group.strategy.countsWeights, !group.members.contains(where: { $0.weight > 0 }) {
            throw NeedletailError(.invalidRequest, "The weights of the group '\(group.name)' sum to nothing.")
        }
        var places: [Place] = []
        var inner: [NestedBalancer.Member] = []
        let isNested = group.members.contains { if case .group = $0.kind { true } else { false } }
        // Turns are counted by target; where members are groups, each member's turn is a share.
        let inTurn = isNested && group.strategy.takesTurns
        for (number, member) in group.members.enumerated() {
            let weight = inTurn ? 1 : member.weight.isFinite ? max(0, member.weight) : 1
            let priority = member.priority ?? number + 1
            switch member.kind {
            case .provider(let provider, let model):
                places.append(
                    Place(
                        member: member, provider: provider, model: model, weight: weight, order: [priority, number]))
            case .group(let part):
                let start = offset + places.count
                let laid = try Self.lay(part, offset: start)
                let sum = laid.places.reduce(0) { $0 + $1.weight }
                for place in laid.places {
                    var place = place
                    place.weight = sum > 0 ? weight * place.weight / sum : weight / Double(laid.places.count)
                    place.order = [priority, number] + place.order
                    places.append(place)
                }
                var targets = TargetSet()
                for index in start..<start + laid.places.count { targets.insert(index) }
                inner.append(
                    NestedBalancer.Member(
                        targets: targets, balancer: part.guarded(laid.balancer, count: laid.places.count)))
            }
        }
        let balancer: any Balancer = inTurn ? .weighted : group.strategy.makeBalancer()
        return (places, inner.isEmpty ? balancer : NestedBalancer(balancer, members: inner))
    }

    private static func deployment(of place: Place, in table: DeploymentTable, now: Instant) -> Deployment {
        let name = Deployment.Key(provider: place.provider.id, model: place.model)
        let policy = place.member.circuitBreaker
        return table.deployment(name.provider, name.model) {
            let limits = place.member.limits
            return AdmissionGate(
                breaker: CircuitBreaker(policy),
                limits: limits.isEmpty ? [] : [table.limits.scope("deployment \(name)", limits, now: now)],
                rests: place.model != nil)
        }
    }
}
