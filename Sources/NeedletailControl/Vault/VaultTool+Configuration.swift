import Logging
import NIOPosix
import NeedletailCore
public import NeedletailStore

extension VaultTool {
    /// The vault beside a configuration file, for a command.
    ///
    /// - Parameters:
    ///   - config: The file; `nil` for the one in the working folder.
    ///   - store: The store beside it.
    /// - Returns: The tool, and why no provider can be asked where the configuration cannot be used.
    public static func beside(
        _ config: String?, _ location: StoreLocation, _ store: SQLiteStore, environment: [String: String]
    ) -> (tool: VaultTool, problem: String?) {
        let logger = Logger(label: "needletail") { _ in SwiftLogNoOpLogHandler() }
        var providers: @Sendable (String) -> [ProviderConfiguration] = { _ in [] }
        var problem: String?
        do throws(ConfigurationError) {
            // What is about to be set is not there yet.
            let loader = ConfigurationLoader(types: .version, environment: environment, missingSecret: "missing")
            let configuration = try loader.load(file: config)
            let references = VaultReferences(configuration.loaded.effective)
            providers = { name in references.providers(using: name).compactMap { configuration.provider($0) } }
        } catch {
            problem = "no provider can be asked, because the configuration has faults: see `needletail check`"
        }
        let vault = Vault(store: store, configuration: location.vault, environment: environment)
        let probe = CredentialProbe(
            group: .singletonMultiThreadedEventLoopGroup, environment: environment, time: .live, logger: logger)
        return (VaultTool(vault: vault, providers: providers, probe: probe), problem)
    }

    /// The vault of a running gateway.
    static func of(
        _ store: GatewayStore, _ running: RunningConfiguration, _ surroundings: GatewayProcess.Surroundings
    ) throws(NeedletailError) -> VaultTool {
        guard let file = store.file else {
            throw NeedletailError(
                .invalidRequest, "This gateway keeps no store, in which the vault is; write `store: on`.")
        }
        let configuration = running.current.configuration
        var vault = Vault(store: file, configuration: configuration.vault, environment: surroundings.environment)
        vault.time = surroundings.time
        vault.random = surroundings.random
        let references = VaultReferences(configuration.loaded.effective)
        let probe = CredentialProbe(
            group: surroundings.group, environment: surroundings.environment, time: surroundings.time,
            logger: surroundings.logger)
        var tool = VaultTool(
            vault: vault,
            providers: { name in references.providers(using: name).compactMap { configuration.provider($0) } },
            probe: probe)
        tool.store = store
        return tool
    }
}
