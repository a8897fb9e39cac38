import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail keys`: clients' keys in the store.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list, rotate and end clients' keys; a gateway that runs follows within a second.",
        subcommands: [Create.self, List.self, Rotate.self, Disable.self, Enable.self]
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file, beside which the store is.")
        var config: String?

        func perform(_ name: String, makesStore: Bool = false, _ body: (KeyTool) throws -> Void) throws {
            let tool = StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
            do {
                try body(KeyTool(try tool.open(.write, isMade: makesStore)))
            } catch let error as NeedletailError {
                throw CommandFailure("needletail keys \(name): \(error.message)")
            }
        }
    }

    /// A duration as in the configuration, in seconds.
    static func seconds(_ text: String) throws -> Int64 {
        guard let duration = DurationText.parse(text) else {
            throw ValidationError("'\(text)' is no duration; write for example 1h or 30d.")
        }
        return duration.components.seconds
    }

    private static func show(_ made: (StoredKey, Secret)) {
        StandardStreams.output(made.1.exposed)
        StandardStreams.error("The key '\(made.0.name)', shown this once.")
    }

    /// `needletail keys create`.
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key and print it, once.")
        @OptionGroup var options: Options
        @Argument(help: "The name, for logs and bills.")
        var name: String
        @Option(help: "The tenant that it belongs to.")
        var tenant: String?
        @Option(help: "The models that it may use, with commas; * stands for any text.")
        var models: String?
        @Option(help: "How long it lives, for example 30d.")
        var expires: String?

        @concurrent
        func run() async throws {
            let lifetime = try self.expires.map { try KeysCommand.seconds($0) }
            try self.options.perform("create", makesStore: true) { tool in
                KeysCommand.show(
                    try tool.create(
                        self.name, tenant: self.tenant,
                        models: self.models?.split(separator: ",").map(String.init), lifetime: lifetime))
            }
        }
    }

    /// `needletail keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the keys, without the keys themselves.")
        @OptionGroup var options: Options
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            try self.options.perform("list") { tool in
                let keys = try tool.list()
                if self.json { return StandardStreams.output(KeyTable.json(keys)) }
                for line in KeyTable.lines(keys, now: TimeSource.live.wallSeconds()) { StandardStreams.output(line) }
            }
        }
    }

    /// `needletail keys rotate`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new key of a name and print it, once; the old one ends after the overlap.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String
        @Option(help: "How long the old key works on.")
        var overlap = "1d"

        @concurrent
        func run() async throws {
            let overlap = try KeysCommand.seconds(self.overlap)
            try self.options.perform("rotate") { tool in
                KeysCommand.show(try tool.rotate(self.name, overlap: overlap))
            }
        }
    }

    /// `needletail keys disable`.
    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch a key off.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String

        @concurrent
        func run() async throws {
            try self.options.perform("disable") { try $0.setDisabled(self.name, true) }
        }
    }

    /// `needletail keys enable`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch a key on again.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String

        @concurrent
        func run() async throws {
            try self.options.perform("enable") { try $0.setDisabled(self.name, false) }
        }
    }
}
