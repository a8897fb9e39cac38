import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore

extension VaultCommand {
    /// `needletail vault export`.
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print everything as JSON, sealed: of use only with the master key.")
        @OptionGroup var options: Options
        @Flag(help: "Print the credentials themselves instead, as NAME=VALUE.")
        var reveal = false

        @concurrent
        func run() async throws {
            try await self.options.perform(self.reveal ? "export --reveal" : "export", subject: "") { tool, _ in
                guard self.reveal else { return StandardStreams.output(try tool.vault.export()) }
                StandardStreams.error("These are the credentials themselves.")
                for entry in try tool.vault.reveal() {
                    StandardStreams.output("\(entry.name)=\(entry.secret.exposed)")
                }
            }
        }
    }

    /// `needletail vault import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set everything that an export holds; the master key must be the same.")
        @OptionGroup var options: Options
        @Argument(help: "The export; - for standard input.")
        var file: String

        @concurrent
        func run() async throws {
            let data =
                self.file == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: self.file)
            guard let text = data.flatMap({ String(data: $0, encoding: .utf8) }) else {
                throw CommandFailure("needletail vault import: '\(self.file)' cannot be read")
            }
            try await self.options.perform("import", subject: self.file, makesStore: true) { tool, _ in
                for name in try tool.vault.restore(text) { StandardStreams.output("set '\(name)'") }
            }
        }
    }

    /// `needletail vault delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a credential out, with all its versions.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String
        @Flag(help: "Although the configuration asks for it.")
        var force = false

        @concurrent
        func run() async throws {
            try await self.options.perform("delete", subject: self.name) { tool, location in
                if !self.force, location.vaultNames.contains(self.name) {
                    throw CommandFailure(
                        "needletail vault delete: the configuration asks for '\(self.name)'; change that first, or --force"
                    )
                }
                try tool.vault.delete(self.name)
                StandardStreams.output("deleted '\(self.name)'")
            }
        }
    }
}
