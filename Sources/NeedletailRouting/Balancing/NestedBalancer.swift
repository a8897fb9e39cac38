public import NeedletailCore

/// The balancer of a group that has groups among its members: the outer one chooses the member by its targets, the
/// member's own chooses among these.
///
/// The targets of all groups stand in one list, so that one loop counts all attempts, and a target's weight is its part
/// of its member's share.
public struct NestedBalancer: Balancer {
    /// A group among the members.
    public struct Member: Sendable {
        /// Its targets, as they stand in the router's list.
        public var targets: TargetSet
        /// Who chooses among them.
        public var balancer: any Balancer

        /// Creates a member.
        public init(targets: TargetSet, balancer: any Balancer) {
            self.targets = targets
            self.balancer = balancer
        }
    }

    private let outer: any Balancer
    private let members: [Member]

    /// Creates the balancer.
    public init(_ outer: any Balancer, members: [Member]) {
        self.outer = outer
        self.members = members
    }

    /// See ``Balancer/affinity(of:_:)``.
    public func affinity(of request: InferenceRequest, _ context: RequestContext) -> UInt64? {
        self.outer.affinity(of: request, context)
    }

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        guard let index = self.outer.pick(from: targets, among: candidates, for: question) else { return nil }
        for member in self.members where member.targets.contains(index) {
            return member.balancer.pick(
                from: targets, among: candidates.intersection(member.targets), for: question)
        }
        return index
    }

    /// See ``Balancer/scores(of:among:for:)``: the outer one's, with the choice of the member's own in front.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        var scores = self.outer.scores(of: targets, among: candidates, for: question)
        guard let first = scores.first, first.leftOut == nil else { return scores }
        for member in self.members where member.targets.contains(first.index) {
            let own = member.balancer.scores(
                of: targets, among: candidates.intersection(member.targets), for: question)
            scores.removeAll { member.targets.contains($0.index) }
            scores.insert(contentsOf: own, at: 0)
        }
        return scores
    }

    /// See ``Balancer/record(_:of:in:for:)``.
    public func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {
        self.outer.record(result, of: index, in: targets, for: question)
        for member in self.members where member.targets.contains(index) {
            member.balancer.record(result, of: index, in: targets, for: question)
        }
    }
}
