import NeedletailCore

/// What is known of a provider's models without asking it.
extension HTTPProvider {
    /// What kind of upstream it is.
    public var type: ProviderSpec { self.spec }

    /// The models that the catalogue knows at its type, and those that its operator names.
    public var knownModels: [String] {
        let stated = self.options.capabilities.map(\.pattern).filter { $0.last != "*" }
        return Set(stated + ModelCatalogue.models(type: self.spec.type)).sorted()
    }
}
