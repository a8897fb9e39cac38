import ArgumentParser
import NeedletailControl
import NeedletailCore
import NeedletailStore

extension KeysCommand {
    /// `needletail keys change`.
    struct Change: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change what a key opens and may use; 'none' takes a bound away.",
            discussion: "What is changed holds for all keys of the name; --expires for the one, where an id is given.")
        @OptionGroup var options: Options
        @Argument(help: "The name or the id.")
        var name: String
        @Option(help: "Another name. Its own budget goes on.")
        var rename: String?
        @Option(help: "The team within the tenant.")
        var team: String?
        @Option(help: "Words that its requests are counted under, with commas.")
        var tags: String?
        @Option(help: "The words that clients may add in x-needletail-tags, with commas; * stands for any text.")
        var clientTags: String?
        @Option(help: "NAME=TEXT, for people; may be given several times. NAME= takes one away.")
        var metadata: [String] = []
        @Option(help: "The models that it may use, with commas; * stands for any text.")
        var models: String?
        @Option(help: "The providers that may answer it, with commas; * stands for any text.")
        var providers: String?
        @Option(help: "The surfaces that it may ask, with commas.")
        var surfaces: String?
        @Option(help: "Where it may be used from, with commas, for example 10.0.0.0/8,2001:db8::/32.")
        var networks: String?
        @OptionGroup var limits: Limits
        @Option(help: "How long it lives from now, for example 30d; 'none' for no end.")
        var expires: String?
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            let patch = try KeysCommand.object { try self.write(into: &$0) }
            guard patch.members.contains(where: { _ in true }) else {
                throw ValidationError("Nothing is to be changed; write for example --rpm 60.")
            }
            try self.options.perform("change", subject: self.name) { tool in
                let key = try tool.change(
                    self.name, KeyPatch(patch), taken: self.options.store.location.keyNames,
                    groups: self.options.store.location.groupNames)
                if self.json { return StandardStreams.output(KeyTable.json([key])) }
                for line in KeyTable.lines([key], now: TimeSource.live.wallSeconds()) { StandardStreams.output(line) }
            }
        }

        private func write(into json: inout JSONWriter) throws {
            if let rename { json.member("name", rename) }
            if let team {
                json.key("team")
                if team == "none" { json.null() } else { json.string(team) }
            }
            let lists: [(StaticString, String?)] = [
                ("tags", self.tags), ("client_tags", self.clientTags), ("models", self.models),
                ("providers", self.providers),
                ("surfaces", self.surfaces), ("networks", self.networks),
            ]
            for case (let name, let text?) in lists {
                json.key(name)
                if text == "none" {
                    json.null()
                    continue
                }
                json.beginArray()
                for word in KeysCommand.list(text) { json.string(word) }
                json.endArray()
            }
            try self.writeMetadata(into: &json)
            self.limits.write(into: &json)
            guard let expires else { return }
            json.key("expires_in")
            if expires == "none" { json.null() } else { json.int(Int(try KeysCommand.seconds(expires))) }
        }

        private func writeMetadata(into json: inout JSONWriter) throws {
            guard !self.metadata.isEmpty else { return }
            json.key("metadata")
            json.beginObject()
            for pair in self.metadata {
                guard let sign = pair.firstIndex(of: "=") else {
                    throw ValidationError("'\(pair)' is no NAME=TEXT.")
                }
                let text = pair[pair.index(after: sign)...]
                json.key(String(pair[..<sign]))
                if text.isEmpty { json.null() } else { json.string(String(text)) }
            }
            json.endObject()
        }
    }

    /// `needletail keys delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a key by its id, or all keys of a name; what they have cost stays in the ledger.")
        @OptionGroup var options: Options
        @Argument(help: "The name or the id.")
        var name: String
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            try self.options.perform("delete", subject: self.name) { tool in
                try tool.delete(self.name)
                if self.json { StandardStreams.object { $0.member("deleted", self.name) } }
            }
        }
    }

    /// `needletail keys admin`.
    struct Admin: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make another first-run admin key and print it, once; the one before opens nothing any more.",
            discussion:
                "It counts where other machines reach the admin listener and the configuration names no admin key.")
        @OptionGroup var options: Options
        @Flag(help: "Print JSON.")
        var json = false

        @concurrent
        func run() async throws {
            try self.options.performOnStore("admin", makesStore: true) { store in
                let secret = try FirstAdminKey.make(in: store)
                if self.json { return StandardStreams.object { $0.member("key", secret.exposed) } }
                StandardStreams.output(secret.exposed)
                StandardStreams.error("The admin key, shown this once.")
            }
        }
    }
}
