public import ArgumentParser

/// The command `needletail`.
@main
public struct NeedletailCommand: AsyncParsableCommand {
    /// Name, help and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "needletail",
        abstract: "A gateway between applications and language models.",
        discussion: "Exit status: 0 ok, 1 what was asked for failed, 2 wrong usage.",
        subcommands: [
            ServeCommand.self, CheckCommand.self, ChatCommand.self, MockCommand.self,
            StatusCommand.self, TopCommand.self, TailCommand.self, ProvidersCommand.self,
            GroupsCommand.self, BreakersCommand.self, ConfigCommand.self, ConfigCommand.Reload.self,
            PricesCommand.self, CostsCommand.self, BudgetsCommand.self, KeysCommand.self, VaultCommand.self,
            AuditCommand.self, StoreCommand.self, EraseCommand.self, QuoteCommand.self, CacheCommand.self,
            SimulateCommand.self, ExplainCommand.self,
        ]
    )

    /// Creates the command.
    public init() {}

    /// Runs what the arguments ask for and ends the process with the contract's status.
    @concurrent
    public static func main() async {
        do {
            var command = try Self.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            StandardStreams.error(failure.message)
            Self.exit(withError: ExitCode(1))
        } catch {
            Self.end(with: error)
        }
    }

    private static func end(with error: any Error) -> Never {
        guard Self.exitCode(for: error) == .validationFailure else { Self.exit(withError: error) }
        StandardStreams.error(Self.fullMessage(for: error))
        Self.exit(withError: ExitCode(2))
    }
}

/// Why a command failed, in words for people. Exit status 1.
struct CommandFailure: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}
