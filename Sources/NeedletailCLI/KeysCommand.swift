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
        subcommands: [Create.self, List.self, Rotate.self, Disable.self, Enable.self, Expire.self]
    )

    /// What all of them take.
    struct Options: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The configuration file, beside which the store is.")
        var config: String?

        var store: StoreTool {
            StoreTool(config: self.config, environment: ProcessInfo.processInfo.environment)
        }

        func perform(
            _ name: String, subject: String? = nil, makesStore: Bool = false, _ body: (KeyTool) throws -> Void
        ) throws {
            do {
                let file = try self.store.open(.write, isMade: makesStore)
                try CommandAudit.noting("needletail keys \(name)", subject, in: file) { try body(KeyTool(file)) }
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

    private static func show(_ made: (StoredKey, Secret), asJSON: Bool) {
        if asJSON {
            return StandardStreams.object { json in
                json.member("name", made.0.name)
                json.member("key", made.1.exposed)
            }
        }
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
        @Option(help: "The team within the tenant.")
        var team: String?
        @Option(help: "Words that its requests are counted under, with commas.")
        var tags: String?
        @Option(help: "NAME=TEXT, for people; may be given several times.")
        var metadata: [String] = []
        @Option(help: "The models that it may use, with commas; * stands for any text.")
        var models: String?
        @Option(help: "The providers that may answer it, with commas; * stands for any text.")
        var providers: String?
        @Option(
            help:
                "The surfaces that it may ask, with commas: openai, anthropic, gemini, azure, bedrock, ollama, cohere.")
        var surfaces: String?
        @Option(help: "Where it may be used from, with commas, for example 10.0.0.0/8,2001:db8::/32.")
        var networks: String?
        @Option(help: "How long it lives, for example 30d.")
        var expires: String?
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            let lifetime = try self.expires.map { try KeysCommand.seconds($0) }
            try self.options.perform("create", subject: self.name, makesStore: true) { tool in
                KeysCommand.show(
                    try tool.create(
                        self.name, grant: try self.grant(), lifetime: lifetime,
                        taken: self.options.store.location.keyNames),
                    asJSON: self.json)
            }
        }

        private func grant() throws -> KeyGrant {
            func list(_ text: String?) -> [String]? {
                text?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            }
            var pairs: [String: String] = [:]
            for pair in self.metadata {
                guard let sign = pair.firstIndex(of: "=") else {
                    throw ValidationError("'\(pair)' is no NAME=TEXT.")
                }
                pairs[String(pair[..<sign])] = String(pair[pair.index(after: sign)...])
            }
            return try KeyGrant(
                tenant: self.tenant, team: self.team, tags: list(self.tags) ?? [], metadata: pairs,
                models: list(self.models), providers: list(self.providers), surfaces: list(self.surfaces),
                networks: list(self.networks))
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
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            let overlap = try KeysCommand.seconds(self.overlap)
            try self.options.perform("rotate", subject: self.name) { tool in
                KeysCommand.show(try tool.rotate(self.name, overlap: overlap), asJSON: self.json)
            }
        }
    }

    /// `needletail keys disable`.
    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch a key off.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            try self.options.perform("disable", subject: self.name) { tool in
                try tool.setDisabled(self.name, true)
                guard self.json else { return }
                StandardStreams.object { json in
                    json.member("name", self.name)
                    json.member("disabled", true)
                }
            }
        }
    }

    /// `needletail keys expire`.
    struct Expire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let all keys of a name end, now or later.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String
        @Flag(help: "Print JSON.")
        var json = false
        @Option(name: .customLong("in"), help: "After how long, for example 1h; at once when left out.")
        var delay: String?

        @concurrent
        func run() async throws {
            let delay = try self.delay.map { try KeysCommand.seconds($0) }
            try self.options.perform("expire", subject: self.name) { tool in
                let end = delay.map { TimeSource.live.wallSeconds() + $0 }
                try tool.expire(self.name, at: end)
                guard self.json else { return }
                StandardStreams.object { json in
                    json.member("name", self.name)
                    json.member("expires", end.map { Int($0) })
                }
            }
        }
    }

    /// `needletail keys enable`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch a key on again.")
        @OptionGroup var options: Options
        @Argument(help: "The name.")
        var name: String
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            try self.options.perform("enable", subject: self.name) { tool in
                try tool.setDisabled(self.name, false)
                guard self.json else { return }
                StandardStreams.object { json in
                    json.member("name", self.name)
                    json.member("disabled", false)
                }
            }
        }
    }
}
