import NeedletailCore

/// The targets of a router in one list, and which of them are asked when: its own, then its fallbacks.
struct TargetRanks: Sendable {
    /// All of them, the own ones first; those beyond ``TargetSet/capacity`` are left out.
    let targets: [Target]
    /// What a call to each of them must pass.
    let gates: [AdmissionGate]
    /// Those that tell beforehand what they cannot answer.
    let judged: TargetSet
    /// The own ones.
    private(set) var own: TargetSet
    /// Those that follow any failure.
    let fallbacks: TargetSet
    private let contextWindow: TargetSet
    private let contentFilter: TargetSet

    init(_ own: [Target], _ fallbacks: FallbackTargets) {
        var targets: [Target] = []
        var judged = TargetSet()
        func add(_ more: [Target]) -> TargetSet {
            var set = TargetSet()
            for target in more where targets.count < TargetSet.capacity {
                set.insert(targets.count)
                if target.judge != nil { judged.insert(targets.count) }
                targets.append(target)
            }
            return set
        }
        self.own = add(own)
        self.fallbacks = add(fallbacks.any)
        self.contextWindow = add(fallbacks.contextWindow)
        self.contentFilter = add(fallbacks.contentFilter)
        self.targets = targets
        self.gates = targets.map(\.deployment.gate)
        self.judged = judged
    }

    /// The same list with only some of the own targets; places stay as they are.
    func narrowed(to isWanted: (Target) -> Bool) -> Self {
        var own = self.own
        for index in self.own where !isWanted(self.targets[index]) { own.remove(index) }
        var ranks = self
        ranks.own = own
        return ranks
    }

    /// What a target is for; `nil` for one that is never asked here.
    func role(of index: Int) -> TargetRole? {
        if self.own.contains(index) { return .target }
        if self.fallbacks.contains(index) { return .fallback }
        if self.contextWindow.contains(index) { return .contextWindowFallback }
        return self.contentFilter.contains(index) ? .contentFilterFallback : nil
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

/// What a group has a target for.
public enum TargetRole: String, Sendable, Hashable {
    /// It is one of those that the strategy chooses among.
    case target
    /// It is asked after any failure, when no own target is left.
    case fallback
    /// It is asked for requests that have more tokens than a model takes.
    case contextWindowFallback = "context_window_fallback"
    /// It is asked for requests that a provider's filter refused.
    case contentFilterFallback = "content_filter_fallback"
}
