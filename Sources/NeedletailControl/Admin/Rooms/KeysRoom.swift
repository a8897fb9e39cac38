import NIOHTTP1
import NeedletailCore

/// Clients' keys in the store; those of the configuration file are the file's.
struct KeysRoom: AdminRoom {
    let title = "Keys"
    private let store: GatewayStore
    private let random: RandomSource
    /// The names of the configuration's own keys.
    private let taken: @Sendable () -> [String]
    /// The names of its groups.
    private let groups: @Sendable () -> [String]?

    init(
        _ store: GatewayStore, random: RandomSource, groups: @escaping @Sendable () -> [String]? = { nil },
        taken: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.store = store
        self.random = random
        self.groups = groups
        self.taken = taken
    }

    private static let grant = [
        AdminField("tenant", .text, "The tenant that it belongs to."),
        AdminField("team", .text, "The team within the tenant."),
        AdminField("tags", .list, "Words that its requests are counted under."),
        AdminField("client_tags", .list, "The words that clients may add; * stands for any text."),
        AdminField("metadata", .object, "Texts by name, for people."),
        AdminField("models", .list, "The models that it may use; * stands for any text."),
        AdminField("providers", .list, "The providers that may answer it; * stands for any text."),
        AdminField("surfaces", .list, "The surfaces that it may ask."),
        AdminField("networks", .list, "Where it may be used from, in CIDR notation."),
    ]

    private static let limits = [
        AdminField("limits", .object, "rpm, rph, tpm, concurrency, burst, daily_budget, cost_per_request."),
        AdminField("budget", .object, "limit in dollars, per, warn, clamp, on_exhausted."),
        AdminField(
            "priority", .word(RequestPriority.allCases.map(\.rawValue)), "Who goes first when not all can."),
    ]

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/keys", .read, "All stored keys, without the keys themselves.", query: AdminField.page) {
                request throws(AdminError) in
                let keys = try await self.work { tool throws(NeedletailError) in try tool.list() }
                return try AdminPage.reply(keys, for: request, name: { "\($0.name) \($0.created) \($0.id)" }) {
                    KeyTable.members($1, into: &$0)
                    $0.member("etag", Self.etag($1).description)
                }
            },
            AdminRoute(.GET, "/keys/{name}", .read, "One key, by its id or its name; of several of a name the newest.")
            {
                request throws(AdminError) in
                let name = request["name"]
                return try await self.work { tool throws(NeedletailError) in Self.show(try tool.find(name)) }
            },
            AdminRoute(
                .PATCH, "/keys/{name}", .keys,
                "Changes a key (JSON Merge Patch), by its id or its name: what it opens and may use for all keys of its name.",
                body: .fields(Self.changes)
            ) { request throws(AdminError) in
                let (name, condition) = (request["name"], request.condition)
                let (taken, groups) = (self.taken(), self.groups())
                guard let body = request.body, body.members.contains(where: { _ in true }) else {
                    throw AdminError(400, "invalid_request", "The body says nothing; write what is to be changed.")
                }
                return try await self.workIfMatching(name, condition) { tool throws(NeedletailError) in
                    Self.show(try tool.change(name, KeyPatch(body), taken: taken, groups: groups))
                }
            },
            AdminRoute(
                .DELETE, "/keys/{name}", .keys,
                "Deletes a key by its id, or all keys of a name; what they have cost stays written down.", status: 204
            ) { request throws(AdminError) in
                let name = request["name"]
                return try await self.workIfMatching(name, request.condition) { tool throws(NeedletailError) in
                    try tool.delete(name)
                    return .nothing
                }
            },
            AdminRoute(
                .POST, "/keys", .keys, "Makes a key; the answer shows it this once.",
                body: .fields(
                    [AdminField("name", .text, "For logs and bills.", isRequired: true)] + Self.grant + Self.limits + [
                        AdminField("expires_in", Self.seconds, "Seconds that it lives.")
                    ]),
                status: 201,
                holdsSecret: true
            ) { request throws(AdminError) in
                let grant = try Self.grant(of: request.body)
                let name = request.body?["name"]?.string ?? ""
                let lifetime = request.body?.present("expires_in")?.int.map { Int64($0) }
                let (taken, groups, body) = (self.taken(), self.groups(), request.body)
                return try await self.work { tool throws(NeedletailError) in
                    Self.show(
                        try tool.create(
                            name, grant: grant, limits: try KeyLimits(changes: body), lifetime: lifetime, taken: taken,
                            groups: groups))
                }
            },
            AdminRoute(
                .POST, "/keys/{name}/rotate", .keys, "Makes a new key of a name; the old one ends after the overlap.",
                body: .fields([
                    AdminField("overlap", .integer(0...Int(Int32.max)), "Seconds; a day when left out.")
                ]),
                status: 201,
                holdsSecret: true
            ) { request throws(AdminError) in
                let (name, overlap) = (request["name"], Int64(request.body?.present("overlap")?.int ?? 86_400))
                return try await self.work { tool throws(NeedletailError) in
                    Self.show(try tool.rotate(name, overlap: overlap))
                }
            },
            self.switching("disable", "Switches a key off.", true),
            self.switching("enable", "Switches a key on again.", false),
            AdminRoute(
                .POST, "/keys/{name}/expire", .keys, "Lets all keys of a name end, now or later.",
                body: .fields([
                    AdminField("in", .integer(0...Int(Int32.max)), "Seconds from now; none when left out.")
                ])
            ) { request throws(AdminError) in
                let (name, time) = (request["name"], self.store.wallSeconds)
                let moment = request.body?.present("in")?.int.map { time + Int64($0) }
                _ = try await self.work { tool throws(NeedletailError) in try tool.expire(name, at: moment) }
                return .object {
                    $0.member("name", name)
                    $0.member("expires", Int(moment ?? time))
                }
            },
        ]
    }

    private static let seconds = AdminField.Kind.integer(1...Int(Int32.max))

    /// What can be changed: all but the tenant, which what a key has made belongs to.
    private static let changes =
        [AdminField("name", .text, "For logs and bills; its own budget goes on.")]
        + (Self.grant.filter { $0.name != "tenant" } + Self.limits).map { field in
            var field = field
            field.kind = .orNull(field.kind)
            return field
        } + [
            AdminField("expires_in", .orNull(Self.seconds), "Seconds that it lives from now; null for no end."),
            AdminField("enabled", .boolean, "Whether it opens anything."),
        ]

    private static func etag(_ key: StoredKey) -> ETag { ETag(of: KeyTable.json([key])) }

    private static func show(_ key: StoredKey) -> AdminReply {
        .object(etag: Self.etag(key)) { json in
            KeyTable.members(key, into: &json)
            json.member("etag", Self.etag(key).description)
        }
    }

    private static func grant(of body: JSONView?) throws(AdminError) -> KeyGrant {
        func list(_ name: StaticString) throws(AdminError) -> [String]? {
            guard let elements = body?.present(name)?.elements else { return nil }
            var texts: [String] = []
            for element in elements {
                guard let text = element.string else { throw .badField("\(name)", "is a list of texts") }
                texts.append(text)
            }
            return texts
        }
        var metadata: [String: String] = [:]
        for member in body?.present("metadata")?.members.map({ $0 }) ?? [] {
            guard let text = member.value.string else { throw .badField("metadata", "is an object of texts") }
            metadata[member.key] = text
        }
        let (tags, models, providers) = (try list("tags"), try list("models"), try list("providers"))
        let clientTags = try list("client_tags")
        let (surfaces, networks) = (try list("surfaces"), try list("networks"))
        do throws(NeedletailError) {
            return try KeyGrant(
                tenant: body?.present("tenant")?.string, team: body?.present("team")?.string, tags: tags ?? [],
                clientTags: clientTags, metadata: metadata, models: models, providers: providers, surfaces: surfaces,
                networks: networks)
        } catch {
            throw .store(error)
        }
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
        .object(etag: Self.etag(made.0)) { json in
            KeyTable.members(made.0, into: &json)
            json.member("etag", Self.etag(made.0).description)
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
                try self.store.refreshKeys(isForced: true)
                return value
            }
        } catch {
            throw .store(error)
        }
    }

    /// Does what is asked for if the key is in the version that it was asked for.
    private func workIfMatching(
        _ name: String, _ condition: ETagCondition,
        _ body: @escaping @Sendable (KeyTool) throws(NeedletailError) -> AdminReply
    ) async throws(AdminError) -> AdminReply {
        let result = try await self.work { tool throws(NeedletailError) -> Result<AdminReply, AdminError> in
            let etag = Self.etag(try tool.find(name))
            do throws(AdminError) {
                try condition.require("The key '\(name)'", etag)
            } catch {
                return .failure(error)
            }
            return .success(try body(tool))
        }
        return try result.get()
    }
}
