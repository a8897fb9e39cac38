import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail cache`: the reply cache of a running gateway.
struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Show or empty the reply cache of a running gateway.",
        subcommands: [Statistics.self, Purge.self],
        defaultSubcommand: Statistics.self
    )

    /// `needletail cache stats`.
    struct Statistics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stats", abstract: "Show hits, misses and what is kept.")
        @OptionGroup var admin: AdminOptions

        @concurrent
        func run() async throws {
            try await self.admin.call("cache stats", "GET", "/cache") { answer in
                guard answer["enabled"]?.bool == true else { return "off" }
                var table = TextTable(["hits", "misses", "bypasses", "evictions", "entries", "bytes", "of bytes"])
                table.add(
                    ["hits", "misses", "bypasses", "evictions", "entries", "bytes", "max_bytes"].map { name in
                        "\(answer.members.first { $0.key == name }?.value.int ?? 0)"
                    })
                guard let stored = answer["store"] else { return table.text }
                var second = TextTable(
                    stored.members.map { "stored " + $0.key.map { $0 == "_" ? " " : "\($0)" }.joined() })
                second.add(stored.members.map { "\($0.value.int ?? 0)" })
                return table.text + second.text
            }
        }
    }

    /// `needletail cache purge`.
    struct Purge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "purge", abstract: "Forget kept replies: of a tenant, of a key, of a model, or all.")
        @OptionGroup var admin: AdminOptions
        @Option(help: "Only this tenant's.") var tenant: String?
        @Option(help: "Only those of this key, which has no tenant.") var key: String?
        @Option(help: "Only of this model, by the client's name or the provider's.") var model: String?

        @concurrent
        func run() async throws {
            let members = [("tenant", self.tenant), ("key", self.key), ("model", self.model)].compactMap {
                name, value in
                value.map { "\"\(name)\":\(JSONText(string: $0))" }
            }
            try await self.admin.call(
                "cache purge", "POST", "/cache/purge", body: JSONText(unchecked: "{\(members.joined(separator: ","))}")
            ) { answer in
                let stored = answer["purged_from_store"]?.int.map { ", \($0) from the store" } ?? ""
                return "\(answer["purged"]?.int ?? 0) purged\(stored)"
            }
        }
    }
}
