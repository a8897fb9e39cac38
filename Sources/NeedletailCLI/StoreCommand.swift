import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail db`: care of the store.
struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db",
        abstract: "Back up, check and tidy the store; a gateway may run meanwhile.",
        subcommands: [Backup.self, Check.self, Vacuum.self]
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file.")
        var config: String?

        var tool: StoreTool {
            StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
        }

        func perform(_ name: String, _ body: (StoreTool) throws(NeedletailError) -> String) throws {
            do throws(NeedletailError) {
                StandardStreams.output(try body(self.tool))
            } catch {
                throw CommandFailure("needletail db \(name): \(error.message)")
            }
        }
    }

    /// `needletail db backup`.
    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Copy the store as it is now into a new file.")
        @OptionGroup var options: Options
        @Argument(help: "The copy; must not be there yet.")
        var file: String

        @concurrent
        func run() async throws {
            try self.options.perform("backup") { tool throws(NeedletailError) in
                let store = try tool.open(.write)
                try store.backup(to: self.file)
                try AuditTool(store).note("needletail db backup", subject: self.file)
                return "\(tool.location.path): copied to \(self.file)"
            }
        }
    }

    /// `needletail db check`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Read everything and look for damage.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            try self.options.perform("check") { tool throws(NeedletailError) in
                try tool.open().check()
                return "\(tool.location.path): ok"
            }
        }
    }

    /// `needletail db vacuum`.
    struct Vacuum: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give free pages back to the disk.")
        @OptionGroup var options: Options

        @concurrent
        func run() async throws {
            try self.options.perform("vacuum") { tool throws(NeedletailError) in
                try tool.open(.write).vacuum()
                return "\(tool.location.path): ok"
            }
        }
    }
}
