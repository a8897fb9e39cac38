extension Price {
    /// The least that a call can cost which has at least so many tokens; `nil` when no rate of plain input, or of output
    /// where there is some, is known.
    ///
    /// The cheapest rate of every tier and service tier, as if all input came from the provider's prompt cache.
    public func leastCost(inputTokens: Int, outputTokens: Int) -> Money? {
        var cheapest = PriceRates()
        let schedules = [self.base] + self.tiers.map(\.schedule)
        let rates = schedules.flatMap { [$0.standard] + $0.others.values } + [self.offPeak?.rates].compactMap { $0 }
        for (kind, rate) in rates.flatMap(\.known) { cheapest[kind] = min(rate, cheapest[kind] ?? rate) }
        guard let plainInput = cheapest[.input], outputTokens <= 0 || cheapest[.output] != nil else { return nil }
        let input = min(plainInput, cheapest[.cachedInput] ?? plainInput)
        let output = min(cheapest[.output] ?? 0, cheapest[.reasoning] ?? cheapest[.output] ?? 0)
        let units = { (count: Int) in Int128(min(max(count, 0), Self.maximumUnits)) }
        return self.discounted(
            units(inputTokens) * Int128(input) + units(outputTokens) * Int128(output)
                + Int128(self.base.standard[.request] ?? 0))
    }
}
