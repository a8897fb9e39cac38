/// How the targets of a group stand in one list, those of groups inside it in their place, and who chooses among them.
///
/// One list, so that one loop counts all attempts of a request. The weights of an inner group's targets are scaled so
/// that they sum to the group's own, and their priorities count within the group's.
package struct NestedLayout<Entry: Sendable>: Sendable {
    /// What is laid out: who is chosen from, and by whom.
    package struct Group: Sendable {
        /// The members, in their order.
        package var members: [Member] = []
        /// Who chooses among the members.
        package var balancer: any Balancer
        /// Whether there are groups among the members, those included that are left out.
        package var isNested: Bool
        /// Whether the members are asked in turn.
        package var takesTurns: Bool
        /// What requests that go to the same target have in common; of the outermost group.
        package var affinity: AffinityRule?
        /// How long a target that comes back takes to its full share.
        package var slowStart: Duration
        /// The health below which a target is left out.
        package var healthThreshold: Double?

        /// Creates a group without members.
        package init(
            balancer: any Balancer, isNested: Bool, takesTurns: Bool, affinity: AffinityRule?, slowStart: Duration,
            healthThreshold: Double?
        ) {
            self.balancer = balancer
            self.isNested = isNested
            self.takesTurns = takesTurns
            self.affinity = affinity
            self.slowStart = slowStart
            self.healthThreshold = healthThreshold
        }

        /// Turns are counted by target; where members are groups, each member's turn is a share.
        private var sharesTurns: Bool { self.isNested && self.takesTurns }

        /// - Parameter offset: How many targets stand before the group's.
        fileprivate func laid(after offset: Int) -> (places: [Place], balancer: any Balancer) {
            var places: [Place] = []
            var inner: [NestedBalancer.Member] = []
            for (number, member) in self.members.enumerated() {
                let weight = self.sharesTurns ? 1 : member.weight
                switch member.kind {
                case .target(let entry):
                    places.append(
                        Place(
                            entry: entry, weight: weight, priority: member.priority, order: [member.priority, number]))
                case .group(let group):
                    let start = offset + places.count
                    let laid = group.laid(after: start)
                    let sum = laid.places.reduce(0) { $0 + $1.weight }
                    for place in laid.places {
                        var place = place
                        place.weight = sum > 0 ? weight * place.weight / sum : weight / Double(laid.places.count)
                        place.order = [member.priority, number] + place.order
                        places.append(place)
                    }
                    var targets = TargetSet()
                    for index in start..<start + laid.places.count { targets.insert(index) }
                    inner.append(
                        NestedBalancer.Member(
                            targets: targets, balancer: group.guarded(laid.balancer, count: laid.places.count)))
                }
            }
            let balancer: any Balancer = self.sharesTurns ? .weighted : self.balancer
            return (places, inner.isEmpty ? balancer : NestedBalancer(balancer, members: inner))
        }

        /// A balancer with health and slow start around it, where there is anything to choose.
        fileprivate func guarded(_ balancer: any Balancer, count: Int) -> any Balancer {
            guard count > 1 else { return balancer }
            var guarded = balancer
            if self.slowStart > .zero { guarded = SlowStartBalancer(guarded, window: self.slowStart) }
            if let threshold = self.healthThreshold, threshold > 0 {
                guarded = HealthBalancer(guarded, threshold: threshold)
            }
            return guarded
        }
    }

    /// A member of a group.
    package struct Member: Sendable {
        fileprivate enum Kind: Sendable {
            case target(Entry)
            indirect case group(Group)
        }

        fileprivate var kind: Kind
        fileprivate var weight: Double
        fileprivate var priority: Int

        /// A target.
        package static func target(_ entry: Entry, weight: Double, priority: Int) -> Self {
            Self(kind: .target(entry), weight: weight, priority: priority)
        }

        /// A group, whose targets stand in its place.
        package static func group(_ group: Group, weight: Double, priority: Int) -> Self {
            Self(kind: .group(group), weight: weight, priority: priority)
        }
    }

    /// A target in the list.
    package struct Place: Sendable {
        /// The target.
        package var entry: Entry
        /// Its share.
        package fileprivate(set) var weight: Double
        /// Lower is asked first. In a plain group those of one priority are equals.
        package fileprivate(set) var priority: Int
        /// Priority and number in the list, of each group from the outermost in.
        fileprivate var order: [Int]
    }

    /// The targets, in the order of the members.
    package let places: [Place]
    /// Who chooses among them.
    package let balancer: any Balancer

    /// Lays a group out.
    package init(_ group: Group) {
        var (places, balancer) = group.laid(after: 0)
        if group.isNested {
            let ranked = places.indices.sorted { places[$0].order.lexicographicallyPrecedes(places[$1].order) }
            for (rank, index) in ranked.enumerated() { places[index].priority = rank }
        }
        if let rule = group.affinity { balancer = AffinityBalancer(balancer, rule: rule) }
        self.places = places
        self.balancer = group.guarded(balancer, count: places.count)
    }
}
