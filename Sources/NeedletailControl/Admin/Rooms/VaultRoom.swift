import NIOHTTP1
import NeedletailCore

/// Providers' credentials in the vault.
struct VaultRoom: AdminRoom {
    let title = "Vault"
    private let store: GatewayStore
    private let running: RunningConfiguration
    private let surroundings: GatewayProcess.Surroundings

    init(_ store: GatewayStore, _ running: RunningConfiguration, _ surroundings: GatewayProcess.Surroundings) {
        self.store = store
        self.running = running
        self.surroundings = surroundings
    }

    private static let value = [
        AdminField("value", .text, "The credential.", isRequired: true),
        AdminField("validate", .boolean, "Whether its providers are asked first; true when left out."),
    ]

    var routes: [AdminRoute] {
        [
            AdminRoute(
                .GET, "/vault", .read, "All credentials: version, age, when a provider last took it; never the value.",
                query: AdminField.page
            ) { request throws(AdminError) in
                let entries = try await self.work { tool throws(NeedletailError) in
                    try await tool.run { vault throws(NeedletailError) in try vault.list() }
                }
                return try AdminPage.reply(entries, for: request, name: \.name) { json, entry in self.show(entry, &json)
                }
            },
            AdminRoute(
                .PUT, "/vault/{name}", .keys, "Sets a credential; its providers are asked first.",
                body: .fields(Self.value)
            ) { request throws(AdminError) in
                let (name, body) = (request["name"], request.body)
                return try await self.change(body) { tool, secret, isValidated throws(NeedletailError) in
                    try await tool.set(name, secret, isValidated: isValidated)
                }
            },
            AdminRoute(
                .POST, "/vault/{name}/rotate", .keys,
                "Sets a new version of a credential; the one before works on for the overlap.",
                body: .fields(
                    Self.value + [AdminField("overlap", .integer(0...Int(Int32.max)), "Seconds; a day when left out.")])
            ) { request throws(AdminError) in
                let (name, body) = (request["name"], request.body)
                let overlap = Int64(body?.present("overlap")?.int ?? 86_400)
                return try await self.change(body) { tool, secret, isValidated throws(NeedletailError) in
                    try await tool.rotate(name, secret, overlap: overlap, isValidated: isValidated)
                }
            },
            AdminRoute(
                .POST, "/vault/{name}/validate", .operate,
                "Asks the providers of a credential whether they still take it."
            ) { request throws(AdminError) in
                let name = request["name"]
                let checks = try await self.work { tool throws(NeedletailError) in try await tool.validate(name) }
                return .object { VaultTable.member(checks, into: &$0) }
            },
            AdminRoute(
                .DELETE, "/vault/{name}", .keys, "Takes out a credential that the configuration does not ask for.",
                status: 204
            ) { request throws(AdminError) in
                let name = request["name"]
                guard !VaultReferences(self.running.current.loaded.effective).names.contains(name) else {
                    throw AdminError(409, "conflict", "The configuration asks for '\(name)'; change that first.")
                }
                try await self.work { tool throws(NeedletailError) in
                    try await tool.run { vault throws(NeedletailError) in try vault.delete(name) }
                }
                return .nothing
            },
            AdminRoute(
                .POST, "/vault/rotate", .keys,
                "Seals everything anew with `vault.master_key`, opened with that or the one before."
            ) { _ throws(AdminError) in
                let done = try await self.work { tool throws(NeedletailError) in
                    try await tool.run { vault throws(NeedletailError) in try vault.reseal() }
                }
                return .object { json in
                    json.member("versions", done.count)
                    json.member("key_id", done.keyID)
                }
            },
            AdminRoute(
                .POST, "/vault/export", .keys, "Everything, sealed; or open, where `reveal` asks for that.",
                body: .fields([AdminField("reveal", .boolean, "Whether the values are shown.")]),
                holdsSecret: true
            ) { request throws(AdminError) in
                guard request.body?.present("reveal")?.bool == true else {
                    let text = try await self.work { tool throws(NeedletailError) in
                        try await tool.run { vault throws(NeedletailError) in try vault.export() }
                    }
                    return AdminReply(body: JSONText(unchecked: text).bytes)
                }
                let shown = try await self.work { tool throws(NeedletailError) in
                    try await tool.run { vault throws(NeedletailError) in try vault.reveal() }
                }
                return .object { json in
                    json.member("secrets", objects: shown) { json, entry in
                        json.member("name", entry.name)
                        json.member("value", entry.secret.exposed)
                    }
                }
            },
        ]
    }

    private func change(
        _ body: JSONView?,
        _ set: (VaultTool, Secret, _ isValidated: Bool) async throws(NeedletailError) -> (
            entry: VaultEntry, checks: [VaultTool.Check]
        )
    ) async throws(AdminError) -> AdminReply {
        let secret = Secret(body?["value"]?.string ?? "")
        let isValidated = body?.present("validate")?.bool ?? true
        let done = try await self.work { tool throws(NeedletailError) in try await set(tool, secret, isValidated) }
        let faults = self.running.refreshSecrets("vault").faults
        return .object { json in
            self.show(done.entry, &json)
            json.member("serving", faults.isEmpty)
            if !faults.isEmpty { json.member("faults", texts: faults) }
            VaultTable.member(done.checks, into: &json)
        }
    }

    private func show(_ entry: VaultEntry, _ json: inout JSONWriter) {
        VaultTable.members(
            entry, now: self.store.wallSeconds, warnAfter: self.running.current.configuration.vault.warnAfter,
            into: &json)
    }

    private func work<Value>(
        _ body: (VaultTool) async throws(NeedletailError) -> Value
    ) async throws(AdminError) -> Value {
        guard self.store.file != nil else { throw .noStore }
        do throws(NeedletailError) {
            return try await body(try VaultTool.of(self.store, self.running, self.surroundings))
        } catch {
            throw .store(error)
        }
    }
}
