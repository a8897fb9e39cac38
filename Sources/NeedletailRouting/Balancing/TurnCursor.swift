import Synchronization

/// Breaks ties in turn: where several targets are equally good, none gets all of the traffic.
final class TurnCursor: Sendable {
    private let cursor = Atomic<UInt>(0)

    /// One of the tied, by turn.
    func pick(_ tied: TargetSet, isPeek: Bool) -> Int? {
        guard tied.count > 1 else { return tied.first }
        let turn =
            isPeek ? self.cursor.load(ordering: .relaxed) : self.cursor.wrappingAdd(1, ordering: .relaxed).oldValue
        return tied.member(at: Int(turn % UInt(tied.count)))
    }

    /// The candidates with the lowest cost.
    static func lowest(_ candidates: TargetSet, _ cost: (Int) -> Double) -> TargetSet {
        var best = Double.infinity
        var tied = TargetSet()
        for index in candidates {
            let value = cost(index)
            if value < best || tied.isEmpty {
                best = value
                tied = TargetSet()
                tied.insert(index)
            } else if value == best {
                tied.insert(index)
            }
        }
        return tied
    }
}

extension [TargetScore] {
    /// The scores of candidates that the lowest cost wins, best first; the tied ones of the lowest share equally.
    static func ofCosts(
        _ candidates: TargetSet, next: Int?, _ rate: (Int) -> (cost: Double, parts: [TargetScore.Part])
    ) -> Self {
        var scores = candidates.map { index in
            let (cost, parts) = rate(index)
            return TargetScore(index, score: -cost, share: index == next ? 1 : 0, parts: parts)
        }
        scores.sort {
            ($0.index == next ? 1 : 0, $0.score, -$0.index) > ($1.index == next ? 1 : 0, $1.score, -$1.index)
        }
        return scores
    }
}
