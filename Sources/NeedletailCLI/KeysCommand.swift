import ArgumentParser
import Foundation
import NeedletailControl
import NeedletailCore
import NeedletailStore

/// `needletail keys`: clients' keys in the store.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list, change, rotate and end clients' keys; a gateway that runs follows within a second.",
        subcommands: [
            Create.self, List.self, Change.self, Rotate.self, Disable.self, Enable.self, Expire.self, Delete.self,
            Admin.self,
        ]
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
            try self.performOnStore(name, subject: subject, makesStore: makesStore) { try body(KeyTool($0)) }
        }

        func performOnStore(
            _ name: String, subject: String? = nil, makesStore: Bool = false, _ body: (SQLiteStore) throws -> Void
        ) throws {
            do {
                let file = try self.store.open(.write, isMade: makesStore)
                try CommandAudit.noting("needletail keys \(name)", subject, in: file) { try body(file) }
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

    /// How much a key may use.
    struct Limits: ParsableArguments {
        @Option(help: "Requests a minute.")
        var rpm: String?
        @Option(help: "Requests an hour.")
        var rph: String?
        @Option(help: "Tokens a minute.")
        var tpm: String?
        @Option(help: "Requests at a time.")
        var concurrency: String?
        @Option(help: "The most requests at once, of those that the rate allows.")
        var burst: String?
        @Option(help: "Dollars a day.")
        var dailyBudget: String?
        @Option(help: "The most dollars that one call may cost.")
        var costPerRequest: String?
        @Option(help: "Dollars that may be spent, in all or --per.")
        var budget: String?
        @Option(help: "In which time the budget is spent: minute, hour, day, week, month or total.")
        var per: String?
        @Option(
            help:
                "What becomes of a request that the budget does not cover: refuse, queue, queue:30s or downgrade:GROUP."
        )
        var onExhausted: String?
        @Option(help: "Who goes first when not all can: low, normal or high.")
        var priority: String?

        /// Writes them as members of a change; `none` takes one away.
        func write(into json: inout JSONWriter) {
            if let priority { Self.member("priority", priority, isNumber: false, into: &json) }
            let rates: [(StaticString, String?)] = [
                ("rpm", self.rpm), ("rph", self.rph), ("tpm", self.tpm), ("concurrency", self.concurrency),
                ("burst", self.burst),
            ]
            let amounts: [(StaticString, String?)] = [
                ("daily_budget", self.dailyBudget), ("cost_per_request", self.costPerRequest),
            ]
            if (rates + amounts).contains(where: { $0.1 != nil }) {
                json.key("limits")
                json.beginObject()
                for case (let name, let text?) in rates { Self.member(name, text, isNumber: true, into: &json) }
                for case (let name, let text?) in amounts { Self.member(name, text, isNumber: false, into: &json) }
                json.endObject()
            }
            if self.budget == "none" {
                json.key("budget")
                json.null()
            } else if self.budget != nil || self.per != nil || self.onExhausted != nil {
                json.key("budget")
                json.beginObject()
                if let budget { json.member("limit", budget) }
                if let per { json.member("per", per) }
                if let onExhausted { Self.exhaustion(onExhausted, into: &json) }
                json.endObject()
            }
        }

        private static func exhaustion(_ text: String, into json: inout JSONWriter) {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return Self.member("on_exhausted", text, isNumber: false, into: &json) }
            json.key("on_exhausted")
            json.beginObject()
            json.key(parts[0])
            json.string(parts[1])
            json.endObject()
        }

        private static func member(
            _ name: StaticString, _ text: String, isNumber: Bool, into json: inout JSONWriter
        ) {
            json.key(name)
            if text == "none" { return json.null() }
            // What is no number is refused with what to write, like everything else.
            if isNumber, let count = Int(text) { json.int(count) } else { json.string(text) }
        }
    }

    /// A list with commas.
    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// An object that `write` writes.
    static func object(_ write: (inout JSONWriter) throws -> Void) throws -> JSONView {
        var json = JSONWriter()
        json.beginObject()
        try write(&json)
        json.endObject()
        return try JSONDocument(json.bytes).root
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
        @Option(help: "The words that clients may add in x-needletail-tags, with commas; * stands for any text.")
        var clientTags: String?
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
        @OptionGroup var limits: Limits
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
                        self.name, grant: try self.grant(),
                        limits: try KeyLimits(changes: try KeysCommand.object { self.limits.write(into: &$0) }),
                        lifetime: lifetime, taken: self.options.store.location.keyNames,
                        groups: self.options.store.location.groupNames),
                    asJSON: self.json)
            }
        }

        private func grant() throws -> KeyGrant {
            func list(_ text: String?) -> [String]? { text.map { KeysCommand.list($0) } }
            var pairs: [String: String] = [:]
            for pair in self.metadata {
                guard let sign = pair.firstIndex(of: "=") else {
                    throw ValidationError("'\(pair)' is no NAME=TEXT.")
                }
                pairs[String(pair[..<sign])] = String(pair[pair.index(after: sign)...])
            }
            return try KeyGrant(
                tenant: self.tenant, team: self.team, tags: list(self.tags) ?? [],
                clientTags: list(self.clientTags), metadata: pairs,
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
