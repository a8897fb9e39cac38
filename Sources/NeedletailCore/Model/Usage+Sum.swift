extension Usage {
    /// The tokens of two calls together; counts saturate. Fields that have no place here are taken from `other`.
    public func adding(_ other: Usage) -> Usage {
        var sum = other
        sum.inputTokens = Self.sum(self.inputTokens, other.inputTokens)
        sum.outputTokens = Self.sum(self.outputTokens, other.outputTokens)
        for field in Self.parts {
            guard let mine = self[keyPath: field] else { continue }
            sum[keyPath: field] = Self.sum(mine, other[keyPath: field] ?? 0)
        }
        return sum
    }

    private static var parts: [WritableKeyPath<Usage, Int?>] {
        [
            \.cachedInputTokens, \.cacheWriteTokens, \.cacheWrite1hTokens, \.reasoningTokens, \.audioInputTokens,
            \.audioOutputTokens, \.acceptedPredictionTokens, \.rejectedPredictionTokens, \.webSearches,
        ]
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
