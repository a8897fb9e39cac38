import ArgumentParser
import NeedletailControl
import NeedletailCore

/// `needletail erase`: forgets an end user.
struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract:
            "Forget an end user: what was said, kept responses, cached replies; a pseudonym stands in the ledger.",
        discussion: """
            Asks the running gateway, which has part of it in memory. With --offline it works on the store beside the \
            configuration, for a gateway that does not run.
            """
    )

    @OptionGroup var admin: AdminOptions
    @Option(help: "The user, as requests name it (`user`, `metadata.user_id`).") var user: String
    @Option(help: "Only this tenant's user of that name.") var tenant: String?
    @Flag(help: "Work on the store of a gateway that does not run.") var offline = false
    @Option(name: [.customShort("c"), .long], help: "With --offline: the configuration file.") var config: String?

    func validate() throws {
        guard !self.user.isEmpty else { throw ValidationError("The user has no name.") }
    }

    @concurrent
    func run() async throws {
        try await self.admin.print("erase") { client throws(NeedletailError) in
            guard !self.offline else {
                // Without a configuration that can be read no count is known to be over.
                let budgets = (try? ConfigurationSource.load(self.config).budgets) ?? []
                return try ErasureTool(config: self.config).erase(
                    user: self.user, tenant: self.tenant, budgets: budgets)
            }
            let query = self.tenant.map { "?tenant=\(AdminClient.segment($0))" } ?? ""
            return try await client.call("DELETE", "/users/\(AdminClient.segment(self.user))\(query)")
        } show: { answer in
            var table = TextTable(["what", "number"])
            for member in answer.members {
                table.add([String(member.key.map { $0 == "_" ? " " : $0 }), "\(member.value.int ?? 0)"])
            }
            return table.text
        }
    }
}
