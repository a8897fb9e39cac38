import NeedletailCore
public import NeedletailProviders
public import NeedletailRouting

extension HTTPProvider: DescribedProvider {
    /// What is known of it beforehand, with the catalogue's prices.
    public var profile: ProviderProfile { self.profile(prices: nil) }

    /// What is known of it beforehand: the catalogue's models, what they can do and cost, and how to ask whether it is
    /// there.
    ///
    /// - Parameter prices: What they cost; `nil` for what the catalogue lists.
    public func profile(prices: PriceBook?) -> ProviderProfile {
        let (id, capabilities, operations) = (self.id, self.capabilities, Set(self.type.operations))
        let book =
            prices
            ?? PriceBook(
                types: [id: self.type], outputLimit: { _, model in capabilities.facts(of: model).maxOutputTokens })
        return ProviderProfile(
            models: self.knownModels,
            ability: { model, capability in
                guard operations.contains(capability.operation) else { return .unable }
                guard capability.operation.isChat else { return .unknown }
                return capabilities.facts(of: model).ability(capability)
            },
            price: { book.model($0, at: id) },
            judge: { request, model in self.refusal(of: request, model: model) },
            check: { deadline throws(NeedletailError) in try await self.listModels(deadline: deadline) }
        )
    }
}
