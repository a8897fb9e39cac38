import NeedletailProviders

extension ProviderTypes {
    /// The types that this version has, from the catalogue.
    public static let version = ProviderTypes(
        ProviderSpec.all.map { spec in
            ProviderType(
                name: spec.type,
                environmentPrefix: spec.environmentPrefix,
                keyVariables: spec.keyVariables,
                baseURLVariables: spec.baseURLVariables,
                settings: spec.settings,
                hasIdentity: spec.identity != nil,
                requiresBaseURL: spec.baseURL == nil,
                requiresKey: spec.requiresKey,
                dialects: spec.dialects,
                isMock: spec.isMock,
                limits: spec.limits
            )
        })
}
