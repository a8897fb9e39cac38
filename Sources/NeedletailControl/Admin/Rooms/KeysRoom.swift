import NIOHTTP1
import NeedletailCore

/// Clients' keys in the store; those of the configuration file are the file's.
struct KeysRoom: AdminRoom {
    let title = "Keys"
    private let store: GatewayStore
    private let random: RandomSource

    init(_ store: GatewayStore, random: RandomSource) {
        self.store = store
        self.random = random
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/keys", .read, "All stored keys, without the keys themselves.", query: AdminField.page) {
                request throws(AdminError) in
                let keys = try await self.work { tool throws(NeedletailError) in try tool.list() }
                return try AdminPage.reply(keys, for: request, name: { "\($0.name) \($0.created) \($0.id)" }) {
                    KeyTable.members($1, into: &$0)
                }
            },
            AdminRoute(
                .POST, "/keys", .keys, "Makes a key; the answer shows it this once.",
                body: .fields([
                    AdminField("name", .text, "For logs and bills.", isRequired: true),
                    AdminField("tenant", .text, "The tenant that it belongs to."),
                    AdminField("models", .list, "The models that it may use; * stands for any text."),
                    AdminField("expires_in", .integer(1...Int(Int32.max)), "Seconds that it lives."),
                ]),
                status: 201
            ) { request throws(AdminError) in
                let body = request.body
                let models = body?.present("models")?.elements.compactMap(\.string)
                let (name, tenant) = (body?["name"]?.string ?? "", body?.present("tenant")?.string)
                let lifetime = body?.present("expires_in")?.int.map { Int64($0) }
                return Self.show(
                    try await self.work { tool throws(NeedletailError) in
                        try tool.create(name, tenant: tenant, models: models, lifetime: lifetime)
                    })
            },
            AdminRoute(
                .POST, "/keys/{name}/rotate", .keys, "Makes a new key of a name; the old one ends after the overlap.",
                body: .fields([
                    AdminField("overlap", .integer(0...Int(Int32.max)), "Seconds; a day when left out.")
                ]),
                status: 201
            ) { request throws(AdminError) in
                let (name, overlap) = (request["name"], Int64(request.body?.present("overlap")?.int ?? 86_400))
                return Self.show(
                    try await self.work { tool throws(NeedletailError) in try tool.rotate(name, overlap: overlap) })
            },
            self.switching("disable", "Switches a key off.", true),
            self.switching("enable", "Switches a key on again.", false),
        ]
    }

    private func switching(_ word: String, _ summary: String, _ isDisabled: Bool) -> AdminRoute {
        AdminRoute(.POST, "/keys/{name}/\(word)", .keys, summary) { request throws(AdminError) in
            let name = request["name"]
            _ = try await self.work { tool throws(NeedletailError) in try tool.setDisabled(name, isDisabled) }
            return .object {
                $0.member("name", name)
                $0.member("disabled", isDisabled)
            }
        }
    }

    private static func show(_ made: (StoredKey, Secret)) -> AdminReply {
        .object { json in
            KeyTable.members(made.0, into: &json)
            json.member("key", made.1.exposed)
        }
    }

    private func work<Value: Sendable>(
        _ body: @escaping @Sendable (KeyTool) throws(NeedletailError) -> Value
    ) async throws(AdminError) -> Value {
        guard let file = self.store.file else { throw .noStore }
        let tool = KeyTool(file, time: self.store.time, random: self.random)
        do throws(NeedletailError) {
            return try await self.store.perform { () throws(NeedletailError) in
                let value = try body(tool)
                try self.store.keys?.refresh(isForced: true)
                return value
            }
        } catch {
            throw .store(error)
        }
    }
}
