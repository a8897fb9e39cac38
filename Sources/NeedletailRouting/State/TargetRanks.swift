import NeedletailCore

/// The targets of a router in one list, and which of them are asked when: its own, then its fallbacks.
struct TargetRanks: Sendable {
    /// All of them, the own ones first; those beyond ``TargetSet/capacity`` are left out.
    let targets: [Target]
    /// The own ones.
    let own: TargetSet
    /// Those that follow any failure.
    let fallbacks: TargetSet
    private let contextWindow: TargetSet
    private let contentFilter: TargetSet

    init(_ own: [Target], _ fallbacks: FallbackTargets) {
        var targets: [Target] = []
        func add(_ more: [Target]) -> TargetSet {
            var set = TargetSet()
            for target in more where targets.count < TargetSet.capacity {
                set.insert(targets.count)
                targets.append(target)
            }
            return set
        }
        self.own = add(own)
        self.fallbacks = add(fallbacks.any)
        self.contextWindow = add(fallbacks.contextWindow)
        self.contentFilter = add(fallbacks.contentFilter)
        self.targets = targets
    }

    /// Those that follow a refusal of the request itself; empty where none may help.
    func fallbacks(for reason: NeedletailError.Reason) -> TargetSet {
        let set =
            switch reason {
            case .contextWindow: self.contextWindow
            case .contentFilter: self.contentFilter
            }
        return set.isEmpty ? self.fallbacks : set
    }
}
