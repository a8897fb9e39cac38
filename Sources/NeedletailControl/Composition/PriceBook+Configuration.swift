import NeedletailCore
import NeedletailProviders

extension PriceBook {
    /// The prices of a configuration's providers.
    convenience init(_ configuration: PriceConfiguration, _ upstreams: [Upstreams.Entry]) {
        let capabilities = Dictionary(
            upstreams.map { ($0.provider.id, $0.provider.capabilities) }, uniquingKeysWith: { first, _ in first })
        self.init(
            configuration,
            upstreams.map { (ProviderID($0.configuration.name), $0.spec, $0.configuration.discount) },
            outputLimit: { capabilities[$0]?.facts(of: $1).maxOutputTokens })
    }

    /// The prices of all that a configuration names, without building anything.
    convenience init(_ configuration: Configuration) {
        self.init(
            configuration.prices,
            configuration.providers.compactMap { provider in
                ProviderSpec.named(provider.type).map { (ProviderID(provider.name), $0, provider.discount) }
            })
    }

    private convenience init(
        _ configuration: PriceConfiguration, _ providers: [(id: ProviderID, spec: ProviderSpec, discount: Int64)],
        outputLimit: @escaping @Sendable (ProviderID, String) -> Int? = { _, _ in nil }
    ) {
        self.init(
            types: Dictionary(providers.map { ($0.id, $0.spec) }, uniquingKeysWith: { first, _ in first }),
            statements: configuration.statements,
            discounts: Dictionary(providers.map { ($0.id, $0.discount) }, uniquingKeysWith: { first, _ in first }),
            outputLimit: outputLimit)
    }
}
