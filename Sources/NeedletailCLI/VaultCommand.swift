import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail vault`: providers' credentials, sealed in the store.
struct VaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault",
        abstract: "Keep providers' credentials sealed in the store; a gateway that runs follows within seconds.",
        discussion: """
            A configuration asks for one with { vault: NAME }. The master key is 32 random bytes in base64 or hexadecimal, \
            in NEEDLETAIL_MASTER_KEY or where `vault.master_key` says.
            """,
        subcommands: [
            Set.self, List.self, Rotate.self, Validate.self, Export.self, Import.self, Delete.self,
        ]
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file, beside which the store is.")
        var config: String?

        func perform(
            _ name: String, subject: String? = nil, makesStore: Bool = false,
            _ body: (VaultTool, _ location: StoreLocation) async throws -> Void
        ) async throws {
            let environment = ProcessInfo.processInfo.environment
            let store = StoreTool(config: self.config, environment: environment)
            do {
                let file = try store.open(.write, isMade: makesStore)
                let (tool, problem) = VaultTool.beside(self.config, store.location, file, environment: environment)
                if let problem { StandardStreams.error("note: \(problem)") }
                try await CommandAudit.noting("needletail vault \(name)", subject, in: file) {
                    try await body(tool, store.location)
                }
            } catch let error as NeedletailError {
                throw CommandFailure("needletail vault \(name): \(error.message)")
            }
        }
    }

    /// Where a credential comes from: never an argument, which every process of the machine can see.
    struct Source: ParsableArguments {
        @Option(help: "The environment variable that holds it.")
        var fromEnv: String?
        @Option(help: "The file that holds it; without either it is read from standard input.")
        var fromFile: String?
        @Flag(help: "Do not ask the providers that use it whether they take it.")
        var unvalidated = false

        func secret() throws -> Secret {
            if let name = self.fromEnv {
                guard let text = ProcessInfo.processInfo.environment[name], !text.isEmpty else {
                    throw CommandFailure("needletail vault: the environment variable \(name) is not set")
                }
                return Secret(text)
            }
            let text: String?
            if let path = self.fromFile {
                text = try? String(contentsOfFile: path, encoding: .utf8)
            } else if isatty(STDIN_FILENO) == 1 {
                // Not echoed.
                text = unsafe getpass("Secret: ").map { unsafe String(cString: $0) }
            } else {
                text = String(data: FileHandle.standardInput.readDataToEndOfFile(), encoding: .utf8)
            }
            guard let text else { throw CommandFailure("needletail vault: the secret cannot be read") }
            return Secret(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    static func show(_ verb: String, _ done: (entry: VaultEntry, checks: [VaultTool.Check])) {
        StandardStreams.output("\(verb) '\(done.entry.name)', version \(done.entry.version)")
        for line in VaultTable.lines(done.checks) { StandardStreams.error(line) }
    }
}

extension VaultCommand {
    /// `needletail vault set`.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a credential, read from standard input; the providers that use it are asked first.")
        @OptionGroup var options: Options
        @OptionGroup var source: Source
        @Argument(help: "The name by which a configuration asks for it.")
        var name: String

        @concurrent
        func run() async throws {
            let secret = try self.source.secret()
            try await self.options.perform("set", subject: self.name, makesStore: true) { tool, _ in
                VaultCommand.show(
                    "set", try await tool.set(self.name, secret, isValidated: !self.source.unvalidated))
            }
        }
    }

    /// `needletail vault list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the credentials, without the credentials themselves.")
        @OptionGroup var options: Options
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            try await self.options.perform("list") { tool, location in
                let entries = try tool.vault.list()
                let (now, limit) = (TimeSource.live.wallSeconds(), location.vault.warnAfter)
                if self.json { return StandardStreams.output(VaultTable.json(entries, now: now, warnAfter: limit)) }
                for line in VaultTable.lines(entries, now: now, warnAfter: limit) { StandardStreams.output(line) }
            }
        }
    }

    /// `needletail vault rotate`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "With a name: set a new version of it, while the one before works on for the overlap. Without: seal "
                + "everything anew with the master key, opened with that or the one before.")
        @OptionGroup var options: Options
        @OptionGroup var source: Source
        @Argument(help: "The name.")
        var name: String?
        @Option(help: "How long the version before works on.")
        var overlap = "1d"

        @concurrent
        func run() async throws {
            guard let name = self.name else {
                return try await self.options.perform("rotate", subject: "") { tool, _ in
                    let done = try tool.vault.reseal()
                    StandardStreams.output("\(done.count) versions are sealed with the master key \(done.keyID)")
                }
            }
            let overlap = try KeysCommand.seconds(self.overlap)
            let secret = try self.source.secret()
            try await self.options.perform("rotate", subject: name) { tool, _ in
                VaultCommand.show(
                    "rotated",
                    try await tool.rotate(name, secret, overlap: overlap, isValidated: !self.source.unvalidated))
            }
        }
    }

    /// `needletail vault validate`.
    struct Validate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask the providers whether they still take the credentials; status 1 when one does not.")
        @OptionGroup var options: Options
        @Argument(help: "The name; all when left out.")
        var name: String?

        @concurrent
        func run() async throws {
            try await self.options.perform("validate", subject: self.name ?? "") { tool, _ in
                let checks = try await tool.validate(self.name)
                for line in VaultTable.lines(checks) { StandardStreams.output(line) }
                if checks.isEmpty { StandardStreams.output("no provider of the configuration uses one") }
                let refused = checks.filter { $0.verdict == "refused" }
                guard refused.isEmpty else {
                    throw CommandFailure("needletail vault validate: \(refused.count) refused")
                }
            }
        }
    }
}
