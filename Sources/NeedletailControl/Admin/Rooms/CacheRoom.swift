import NIOHTTP1
import NeedletailCore
import NeedletailRouting

/// The reply cache.
struct CacheRoom: AdminRoom {
    let title = "Cache"
    private let store: GatewayStore
    private let cache: @Sendable () -> ResponseCache?

    /// - Parameter cache: The cache that serves now; `nil` where there is none.
    init(_ store: GatewayStore, _ cache: @escaping @Sendable () -> ResponseCache?) {
        self.store = store
        self.cache = cache
    }

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/cache", .read, "The reply cache: hits, misses, what is kept, and its bounds.") { _ in
                let cache = self.cache()
                return .object { json in
                    Self.write(cache, into: &json)
                    if cache?.archive != nil { self.store.replies?.write(into: &json) }
                }
            },
            AdminRoute(
                .POST, "/cache/purge", .operate,
                "Forgets kept replies: of a tenant, of a key without a tenant, of a model, or all.",
                body: .fields([
                    AdminField("tenant", .text, "Only this tenant's."),
                    AdminField("key", .text, "Only those of this key, which has no tenant."),
                    AdminField("model", .text, "Only of this model, by the client's name or the provider's."),
                ])
            ) { request throws(AdminError) in
                guard let cache = self.cache() else {
                    throw AdminError(409, "no_cache", "This gateway keeps no replies; write `cache: true`.")
                }
                let body = request.body
                let (tenant, key) = (body?.present("tenant")?.string, body?.present("key")?.string)
                if tenant != nil, key != nil {
                    throw .badField("key", "cannot stand beside 'tenant': a tenant's keys share their replies")
                }
                let model = body?.present("model")?.string
                let count = cache.purge(tenant: tenant, key: key, model: model)
                let stored: Int?
                do throws(NeedletailError) {
                    stored = try await self.store.replies?.purge(
                        ArchivedQuestion.scope(tenant: tenant, key: key), model: model, in: self.store)
                } catch {
                    throw .store(error)
                }
                // What was found in the store meanwhile.
                if stored != nil { cache.purge(tenant: tenant, key: key, model: model) }
                return .object { json in
                    json.member("purged", count)
                    json.member("purged_from_store", stored)
                }
            },
        ]
    }

    private static func write(_ cache: ResponseCache?, into json: inout JSONWriter) {
        json.key("enabled")
        json.bool(cache != nil)
        guard let cache else { return }
        let statistics = cache.statistics()
        let asked = statistics.hits + statistics.misses
        json.member("hits", statistics.hits)
        json.member("semantic_hits", statistics.semanticHits)
        json.member("misses", statistics.misses)
        json.member("bypasses", statistics.bypasses)
        json.member("hit_rate", number: asked == 0 ? nil : Double(statistics.hits) / Double(asked))
        json.member("evictions", statistics.evictions)
        json.member("entries", statistics.entries)
        json.member("semantic_entries", cache.semantic?.count ?? 0)
        json.member("bytes", statistics.bytes)
        json.member("max_bytes", cache.options.maximumSize)
        json.member("ttl_seconds", seconds: cache.options.lifetime)
    }
}
