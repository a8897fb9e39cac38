public import NeedletailCore

extension Router {
    /// What a request would cost at each target, fallbacks included, the cheapest first, unknown ones last. Asks nobody.
    ///
    /// Of a target whose price is only a function (``TargetPrice/quote``) the least and the most are that function's.
    public func estimateCosts(_ request: InferenceRequest) -> [CostEstimate] {
        var estimates: [CostEstimate] = []
        for target in self.targets {
            let model = target.model ?? request.model
            let known = target.price?.model?(model) ?? PricedModel(price: nil)
            var estimate = CostEstimate(request, provider: target.provider.id, model: model, known)
            if let price = target.price, price.model == nil {
                let bound = CallBound(request, modelLimit: nil)
                estimate.least = price.quote(model, 1, min(1, bound.outputTokens)).map {
                    Money(picodollars: Int128($0))
                }
                estimate.most = price.quote(model, bound.inputTokens, bound.outputTokens)
                    .map { Money(picodollars: Int128($0)) }
            }
            if !estimates.contains(estimate) { estimates.append(estimate) }
        }
        return estimates.sorted()
    }
}
