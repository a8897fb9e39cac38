public import NeedletailCore
public import NeedletailRouting

/// A configuration that has been checked: every name resolves and every value is in range.
public struct Configuration: Sendable {
    /// Where it came from.
    public enum Origin: Sendable, Hashable {
        /// A file.
        case file(String)
        /// The environment alone.
        case environment
    }

    /// Where it came from.
    public var origin: Origin
    /// The listeners.
    public var listen: ListenConfiguration
    /// The providers in the order of the file, disabled ones included.
    public var providers: [ProviderConfiguration]
    /// The groups under `models:` in the order of the file, disabled ones included.
    public var groups: [GroupConfiguration]
    /// The group that answers names nobody else knows.
    public var defaultGroup: GroupConfiguration?
    /// The experiments in the order of the file, disabled ones included; looked at before the rules.
    public var experiments: [ExperimentConfiguration] = []
    /// The rules, in order, disabled ones included.
    public var routes: [RouteConfiguration]
    /// The client keys. `nil` when there is no `keys:`, which is not the same as an empty list.
    public var keys: [KeyConfiguration]?
    /// What the operator says of prices.
    public var prices = PriceConfiguration()
    /// The reply cache; `nil` for none.
    public var cache: ResponseCache.Options? = nil
    /// How its replies are kept in the store; `nil` where they end with the process.
    public var cacheStore: CacheStoreConfiguration? = nil
    /// What compares questions to the cache by what they mean; `nil` for nothing.
    public var semanticCache: SemanticCacheConfiguration? = nil
    /// What may be spent, the budgets of keys and providers included.
    public var budgets: [BudgetRule] = []
    /// Where is kept what outlives the process.
    public var store = StoreConfiguration()
    /// How the vault is opened.
    public var vault = VaultConfiguration()
    /// The credentials that were taken from the vault.
    var vaultNames: [String] = []
    /// Whose signed tokens are taken.
    var tokenIssuers: [TokenIssuerConfiguration] = []
    /// The tenants' limits, by name.
    public var tenants: [String: LimitConfiguration] = [:]
    /// The most requests at a time; `nil` for no bound.
    public var maximumInFlight: Int?
    /// What is kept from providers and clients.
    public var privacy = PrivacyConfiguration()
    /// Logging.
    public var telemetry: TelemetryConfiguration
    /// When somebody is told, and what is promised.
    public var alerts = AlertConfiguration()
    /// The admin listener's keys.
    var admin: AdminConfiguration
    /// What people should know, in the order of the file.
    public var warnings: [ConfigurationFault]
    /// What it was made from.
    var loaded: LoadedConfiguration

    /// The provider called `name`.
    public func provider(_ name: String) -> ProviderConfiguration? {
        self.providers.first { $0.name == name }
    }

    /// The group called `name`.
    public func group(_ name: String) -> GroupConfiguration? {
        self.groups.first { $0.name == name }
    }

    /// One line for people.
    public var summary: String {
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let enabled = self.providers.filter(\.isEnabled)
        return [
            "\(count(enabled.count, "provider")) (\(enabled.map(\.name).joined(separator: ", ")))",
            count(self.groups.filter(\.isEnabled).count, "model group"),
            count((self.keys ?? []).filter(\.isEnabled).count, "key"),
            "API on \(self.listen.api)",
        ].joined(separator: ", ")
    }
}

/// The listeners.
public struct ListenConfiguration: Sendable, Hashable {
    /// Certificate and key in PEM files.
    public struct TLS: Sendable, Hashable {
        /// The certificate chain.
        public var certificateFile: String
        /// The private key.
        public var keyFile: String
    }

    /// The client surfaces. Default `127.0.0.1:4003`.
    public var api = ListenAddress(host: "127.0.0.1", port: 4003)
    /// The administration. Default `127.0.0.1:4004`.
    public var admin = ListenAddress(host: "127.0.0.1", port: 4004)
    /// TLS on the API listener; `nil` for plain HTTP.
    public var tls: TLS?
    /// The largest request body in bytes. Default 32 MiB.
    public var bodyLimit = 32 << 20
    /// The origins that a browser may call from; `*` for all, empty for none.
    public var corsOrigins: [String] = []
    /// How long running replies may take after a signal to stop. Default 30 s.
    public var drain: Duration = .seconds(30)
    /// Proxies whose `x-forwarded-for` is believed. Default none.
    public var trustedProxies: [ClientNetwork] = []

    /// The defaults.
    public init() {}
}
