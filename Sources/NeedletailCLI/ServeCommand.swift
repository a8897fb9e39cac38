import ArgumentParser
import NeedletailControl

/// `needletail serve`: runs the gateway.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the gateway.",
        discussion: """
            Without --config it takes needletail.yaml in the working folder where there is one, else it configures \
            itself from the environment.
            """
    )

    @Option(name: [.customShort("c"), .long], help: "The configuration file.")
    var config: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?
    @Option(help: "Where to listen for clients, host:port.")
    var api: String?
    @Option(help: "Where to listen for administration, host:port.")
    var admin: String?

    @concurrent
    func run() async throws {
        let overrides = ConfigurationLoader.Overrides(api: self.api, admin: self.admin, logLevel: self.logLevel)
        let configuration: Configuration
        do {
            configuration = try ConfigurationSource.load(self.config, overrides: overrides)
        } catch {
            for warning in error.warnings { StandardStreams.error(warning.description) }
            throw CommandFailure(error.description)
        }
        do {
            try await Composition.serve(configuration: configuration)
        } catch {
            throw CommandFailure("needletail serve: \(Failures.text(error))")
        }
    }
}
