public import NeedletailCore

/// What operators do with the vault, for the commands and the admin API: a credential is shown to its providers before it
/// takes the place of one that works.
public struct VaultTool: Sendable {
    /// What became of a look at one provider.
    public struct Check: Sendable {
        /// The credential's name.
        public var name: String
        /// The provider's name.
        public var provider: String
        /// `taken`, `refused` or `unknown`.
        public var verdict: String
        /// Why, where it was not taken.
        public var reason: String?
    }

    /// The vault itself.
    public let vault: Vault
    /// The providers that use a credential, by its name.
    let providers: @Sendable (_ name: String) -> [ProviderConfiguration]
    let probe: CredentialProbe
    /// The running gateway's store, beside whose thread the vault is used; `nil` to use it where the caller is.
    var store: GatewayStore?

    // MARK: Changing

    /// Sets a credential.
    ///
    /// - Parameter isValidated: Whether its providers are asked first.
    /// - Throws: `.invalidRequest` when one of them refuses it; then nothing is changed.
    public func set(
        _ name: String, _ secret: Secret, isValidated: Bool = true
    ) async throws(NeedletailError) -> (entry: VaultEntry, checks: [Check]) {
        let checks = try await self.approve(name, secret, isValidated)
        let entry = try await self.run { vault throws(NeedletailError) in try vault.set(name, secret) }
        return (try await self.note(entry, checks), checks)
    }

    /// Sets a new version of a credential; the one before works on for the overlap, in seconds.
    public func rotate(
        _ name: String, _ secret: Secret, overlap: Int64, isValidated: Bool = true
    ) async throws(NeedletailError) -> (entry: VaultEntry, checks: [Check]) {
        let checks = try await self.approve(name, secret, isValidated)
        let entry = try await self.run { vault throws(NeedletailError) in
            try vault.rotate(name, secret, overlap: overlap)
        }
        return (try await self.note(entry, checks), checks)
    }

    private func approve(
        _ name: String, _ secret: Secret, _ isValidated: Bool
    ) async throws(NeedletailError) -> [Check] {
        try Vault.check(secret)
        guard isValidated else { return [] }
        let checks = await self.ask(name, secret)
        if let refused = checks.first(where: { $0.verdict == "refused" }) {
            throw NeedletailError(
                .invalidRequest,
                "The provider '\(refused.provider)' does not take this secret: \(refused.reason ?? "") Nothing was changed; it "
                    + "can be set unvalidated.")
        }
        return checks
    }

    private func note(_ entry: VaultEntry, _ checks: [Check]) async throws(NeedletailError) -> VaultEntry {
        guard !checks.isEmpty, checks.allSatisfy({ $0.verdict == "taken" }) else { return entry }
        var entry = entry
        let (name, version) = (entry.name, entry.version)
        try await self.run { vault throws(NeedletailError) in try vault.validated(name, version: version) }
        entry.validated = self.vault.time.wallSeconds()
        return entry
    }

    // MARK: Asking

    /// Asks the providers of a credential, or of all, whether they still take it.
    ///
    /// - Parameter name: `nil` for all.
    public func validate(_ name: String?) async throws(NeedletailError) -> [Check] {
        let entries = try await self.run { vault throws(NeedletailError) in
            if let name { try Vault.require(name, try vault.store.vault()) }
            return try vault.list()
        }
        var checks: [Check] = []
        for entry in entries where name == nil || entry.name == name {
            let values = try await self.run { vault throws(NeedletailError) in try vault.values(entry.name) }
            guard let newest = values.first else { continue }
            let found = await self.ask(entry.name, newest.secret)
            _ = try await self.note(entry, found)
            checks += found
        }
        return checks
    }

    private func ask(_ name: String, _ secret: Secret) async -> [Check] {
        var checks: [Check] = []
        for provider in self.providers(name) {
            var check = Check(name: name, provider: provider.name, verdict: "taken", reason: nil)
            switch await self.probe.ask(provider, with: secret) {
            case .taken: break
            case .refused(let reason): (check.verdict, check.reason) = ("refused", reason)
            case .unknown(let reason): (check.verdict, check.reason) = ("unknown", reason)
            }
            checks.append(check)
        }
        return checks
    }

    /// Runs work with the vault where it may block; in a gateway not where budgets are granted, as the program that prints
    /// the master key takes its time.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable (Vault) throws(NeedletailError) -> Value
    ) async throws(NeedletailError) -> Value {
        let vault = self.vault
        guard let store = self.store else { return try work(vault) }
        return try await store.performBeside { () throws(NeedletailError) in try work(vault) }
    }
}
