import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail groups`: the groups of a running gateway.
struct GroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "groups",
        abstract: "See and change the groups of a running gateway.",
        subcommands: [
            List.self, Show.self, Set.self, Weights.self, Enable.self, Disable.self, Remove.self,
        ],
        defaultSubcommand: List.self
    )

    /// `needletail groups list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the groups and their targets.")
        @OptionGroup var admin: AdminOptions

        @concurrent
        func run() async throws {
            try await self.admin.list("groups list", "/groups") { groups in
                var table = TextTable(["name", "state", "strategy", "source", "targets"])
                for group in groups {
                    table.add([
                        group["name"]?.string ?? "", group["enabled"]?.bool == false ? "disabled" : "active",
                        group["strategy"]?.string ?? "", group["source"]?.string ?? "",
                        GroupsCommand.targets(group),
                    ])
                }
                return table.text
            }
        }
    }

    /// Where a group leads, with weights where they differ from 1.
    static func targets(_ group: JSONView) -> String {
        (group["targets"].map { Array($0.elements) } ?? []).map { target in
            if let name = target["group"]?.string { return name }
            let model = target["model"]?.string.map { "/\($0)" } ?? ""
            let weight = target["weight"].map { $0.text.description } ?? "1"
            return (target["provider"]?.string ?? "") + model + (weight == "1" ? "" : " x\(weight)")
        }.joined(separator: ", ")
    }

    /// One line for a group after a change.
    static func line(_ group: JSONView) -> String {
        let state = group["enabled"]?.bool == false ? "disabled" : "active"
        return
            "\(group["name"]?.string ?? ""): \(TextTable.coloured(state)), \(group["strategy"]?.string ?? ""), \(Self.targets(group))"
    }

    /// `needletail groups show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a group's definition.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The group; default for the one that answers unknown names.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("groups show", "GET", "/groups/\(AdminClient.segment(self.name))") {
                "\(GroupsCommand.line($0))\n\($0["definition"]?.text.description ?? "")"
            }
        }
    }

    /// `needletail groups set`.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change members of a group's definition, or make a group.",
            discussion:
                "For example: needletail groups set chat '{\"strategy\":\"round_robin\",\"targets\":[\"main\"]}'")
        @OptionGroup var admin: AdminOptions
        @Flag(help: "Replace the whole definition, or make a group.") var replace = false
        @Option(help: "The version (etag) that the change is for; it is refused if another one serves.")
        var ifMatch: String?
        @Argument(help: "The group.") var name: String
        @Argument(help: "JSON, @FILE, or - for standard input.") var definition: String

        @concurrent
        func run() async throws {
            let body = try AdminOptions.body(self.definition, "groups set")
            try await self.admin.call(
                "groups set", self.replace ? "PUT" : "PATCH", "/groups/\(AdminClient.segment(self.name))", body: body,
                ifMatch: self.ifMatch
            ) { GroupsCommand.line($0) }
        }
    }

    /// `needletail groups weights`.
    struct Weights: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a group's targets other weights.",
            discussion: "For example: needletail groups weights chat main/gpt-4o=9 spare/gpt-4o=1")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The group.") var name: String
        @Argument(help: "target=weight, several.") var weights: [String]

        func validate() throws {
            for weight in self.weights where weight.split(separator: "=").last.flatMap({ Double($0) }) == nil {
                throw ValidationError("'\(weight)' is not target=weight.")
            }
        }

        @concurrent
        func run() async throws {
            var json = JSONWriter()
            json.beginObject()
            for weight in self.weights {
                // A model's name may hold an equals sign.
                guard let mark = weight.lastIndex(of: "=") else { continue }
                json.key(String(weight[..<mark]))
                json.raw(JSONText(unchecked: String(weight[weight.index(after: mark)...])))
            }
            json.endObject()
            let body = JSONText(unchecked: json.bytes)
            try await self.admin.call(
                "groups weights", "POST", "/groups/\(AdminClient.segment(self.name))/weights", body: body
            ) { GroupsCommand.line($0) }
        }
    }

    /// `needletail groups enable`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a group be asked for again.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The group.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("groups enable", "POST", "/groups/\(AdminClient.segment(self.name))/enable") {
                GroupsCommand.line($0)
            }
        }
    }

    /// `needletail groups disable`.
    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a group unknown to clients.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The group.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("groups disable", "POST", "/groups/\(AdminClient.segment(self.name))/disable") {
                GroupsCommand.line($0)
            }
        }
    }

    /// `needletail groups remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take out a group that no other needs.")
        @OptionGroup var admin: AdminOptions
        @Argument(help: "The group.") var name: String

        @concurrent
        func run() async throws {
            try await self.admin.call("groups remove", "DELETE", "/groups/\(AdminClient.segment(self.name))") { _ in ""
            }
        }
    }
}
