import ArgumentParser
import NeedletailControl
import NeedletailProviders

/// `needletail providers`: who is configured, and which types there are.
struct ProvidersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "providers",
        abstract: "List the configured providers and the types that this version has."
    )

    @Option(name: [.customShort("c"), .long], help: "The configuration file.")
    var config: String?

    @concurrent
    func run() async throws {
        let configuration: Configuration
        do {
            configuration = try ConfigurationSource.load(self.config)
        } catch {
            throw CommandFailure(error.description)
        }
        let width = configuration.providers.map(\.name.count).max() ?? 0
        for provider in configuration.providers {
            let name = provider.name + String(repeating: " ", count: width - provider.name.count)
            let spec = ProviderSpec.named(provider.type)
            let url = provider.baseURL?.description ?? (spec?.isMock == false ? spec?.baseURL : nil)
            let upstream = url.map { " \($0)" } ?? ""
            StandardStreams.output("\(name)  \(provider.type)\(upstream)\(provider.isEnabled ? "" : " (disabled)")")
        }
        StandardStreams.output("types: \(ProviderTypes.version.all.map(\.name).joined(separator: ", "))")
    }
}
