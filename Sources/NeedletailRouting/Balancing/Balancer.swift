public import NeedletailCore

/// Chooses among a router's targets. Synchronous; called for every attempt of every request, so it should neither
/// allocate nor wait.
///
/// Write your own by implementing ``pick(from:among:for:)``. One that keeps a cursor or learns must leave it alone when
/// ``RoutingQuestion/isPeek`` is set, so that what is explained is what is then done.
public protocol Balancer: Sendable {
    /// What a request has in common with those that should go to the same target, for ``RoutingQuestion/affinity``;
    /// `nil` if it may go anywhere. Asked once for each request.
    func affinity(of request: InferenceRequest, _ context: RequestContext) -> UInt64?

    /// Chooses.
    ///
    /// - Parameters:
    ///   - targets: All targets of the router, the same for its whole life.
    ///   - candidates: The ones that may be asked now.
    ///   - question: The request.
    /// - Returns: The index of the target to ask next, one of `candidates`; `nil` when there is none.
    func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int?

    /// Rates the candidates, best first. Changes nothing.
    func scores(of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> [TargetScore]

    /// Learns how a call went. Called once for every call, when it has ended.
    func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion)
}

extension Balancer {
    /// No request belongs anywhere.
    public func affinity(of request: InferenceRequest, _ context: RequestContext) -> UInt64? { nil }

    /// The target that would be picked, then the others in their order.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        var question = question
        question.isPeek = true
        let picked = self.pick(from: targets, among: candidates, for: question)
        let others = candidates.filter { $0 != picked && $0 < targets.count }.map {
            TargetScore($0, score: 0, share: 0)
        }
        return (picked.map { [TargetScore($0, score: 1, share: 1)] } ?? []) + others
    }

    /// Learns nothing.
    public func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {}
}
