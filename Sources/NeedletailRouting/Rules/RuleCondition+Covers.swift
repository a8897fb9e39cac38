extension RuleCondition {
    /// Whether every request that meets `other` meets this too: then a rule with `other` after one with this is never
    /// reached.
    ///
    /// Sound, not complete: `true` is certain, `false` may only mean that it was not seen.
    public func covers(_ other: Self) -> Bool {
        Self.covers(self.models, other.models) && Self.covers(self.keys, other.keys)
            && Self.covers(self.tenants, other.tenants)
            && (self.operations.isEmpty
                || (!other.operations.isEmpty && self.operations.isSuperset(of: other.operations)))
            && other.required.isSuperset(of: self.required) && other.forbidden.isSuperset(of: self.forbidden)
            && (self.isStreaming == nil || self.isStreaming == other.isStreaming)
            && Self.covers(self.tokens, other.tokens) && Self.covers(self.size, other.size)
            && self.headers.allSatisfy { header in
                other.headers.contains { $0.name == header.name && header.value.covers($0.value) }
            }
            && self.coversTime(of: other) && self.coversShare(of: other)
    }

    private func coversTime(of other: Self) -> Bool {
        guard let time = self.time else { return true }
        return other.time.map { time.covers($0) } ?? false
    }

    private func coversShare(of other: Self) -> Bool {
        guard let share = self.share, share.fraction < 1 else { return true }
        return other.share.map { share.draw == $0.draw && share.fraction >= $0.fraction } ?? false
    }

    private static func covers(_ globs: [ModelGlob], _ others: [ModelGlob]) -> Bool {
        guard !globs.isEmpty else { return true }
        return !others.isEmpty && others.allSatisfy { other in globs.contains { $0.covers(other) } }
    }

    private static func covers(_ range: ClosedRange<Int>?, _ other: ClosedRange<Int>?) -> Bool {
        guard let range else { return true }
        return other.map { range.lowerBound <= $0.lowerBound && range.upperBound >= $0.upperBound } ?? false
    }
}
