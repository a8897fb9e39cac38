import NIOCore
import NeedletailControl
import NeedletailCore

/// What `needletail status` and `needletail top` show: asked of several places of the admin API, of which those that the
/// key may not see are left out.
struct StatusReport: Sendable {
    /// Where it was asked.
    var url: String
    /// `/health/detailed`.
    var health: JSONView?
    /// `/admin/v1/config`.
    var configuration: JSONView?
    /// `listen` of the configuration that serves.
    var listen: JSONView?
    /// The traffic of the last five minutes.
    var traffic: JSONView?
    var providers: [JSONView] = []
    var breakers: [JSONView] = []
    var budgets: [JSONView] = []
    var alerts: [JSONView] = []
    /// The last requests that failed by the gateway's or a provider's fault, newest first.
    var failures: [JSONView] = []

    /// How long one answer may take.
    private static let limit = Duration.seconds(5)

    /// Asks a gateway. Once a part has no answer the parts after it are not asked for.
    ///
    /// - Throws: When nobody answers, or the key is refused.
    static func fetch(_ client: AdminClient) async throws(NeedletailError) -> Self {
        var report = Self(url: client.url)
        report.configuration = try await client.call("GET", "/config", within: Self.limit)
        report.health = try await client.health(within: Self.limit)
        var isSilent = false
        let overview = await Self.maybe(client, "/overview?minutes=5", &isSilent)
        report.traffic = overview?["last_five_minutes"]
        report.listen = await Self.maybe(client, "/config/effective", &isSilent)?["listen"]
        report.providers = await Self.entries(client, "/providers?limit=1000", &isSilent)
        report.breakers = await Self.entries(client, "/breakers?limit=1000", &isSilent)
        report.budgets = await Self.entries(client, "/budgets", &isSilent)
        report.alerts = await Self.entries(client, "/alerts", &isSilent)
        report.failures = await Self.entries(client, "/requests?limit=5&status=5xx", &isSilent)
        return report
    }

    private static func maybe(_ client: AdminClient, _ path: String, _ isSilent: inout Bool) async -> JSONView? {
        guard !isSilent else { return nil }
        do throws(NeedletailError) { return try await client.call("GET", path, within: Self.limit) } catch {
            isSilent = error.code == .unreachable
            return nil
        }
    }

    private static func entries(_ client: AdminClient, _ path: String, _ isSilent: inout Bool) async -> [JSONView] {
        (await Self.maybe(client, path, &isSilent))?["data"].map { Array($0.elements) } ?? []
    }

    /// The whole of it as one JSON object.
    var json: String {
        var json = JSONWriter()
        json.beginObject()
        json.member("url", self.url)
        let parts: [(StaticString, JSONView?)] = [
            ("health", self.health), ("config", self.configuration), ("listen", self.listen),
            ("last_five_minutes", self.traffic),
        ]
        for (key, part) in parts {
            json.key(key)
            if let part { json.raw(part.text) } else { json.null() }
        }
        let lists: [(StaticString, [JSONView])] = [
            ("providers", self.providers), ("breakers", self.breakers), ("budgets", self.budgets),
            ("alerts", self.alerts), ("failures", self.failures),
        ]
        for (key, list) in lists {
            json.key(key)
            json.beginArray()
            for entry in list { json.raw(entry.text) }
            json.endArray()
        }
        json.endObject()
        return String(buffer: json.bytes)
    }
}
