import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailGateway

/// Why an operation of the admin API was refused: a status and
/// `{"error":{"type":…,"message":…,"did_you_mean":[…],"faults":[…]}}`.
struct AdminError: Error, Sendable {
    /// The status.
    var status: Int
    /// A word for programs.
    var type: String
    /// A sentence for people; holds no secret.
    var message: String
    /// The names that may have been meant.
    var near: [String] = []
    /// What is wrong with a configuration, as `needletail check` says it.
    var faults: [String] = []
    /// Other headers.
    var headers: HTTPFields = [:]

    init(_ status: Int, _ type: String, _ message: String) {
        self.status = status
        self.type = type
        self.message = message
    }

    /// Nothing has this name.
    static func unknown(_ kind: String, _ name: String, among names: some Sequence<String>) -> Self {
        let near = NearestNames.nearestNames(to: name, among: names)
        var error = Self(404, "not_found", "There is no \(kind) '\(name.prefix(200))'.\(Self.hint(near))")
        error.near = near
        return error
    }

    static func unknownField(_ name: String, among names: [String], in place: String) -> Self {
        let near = NearestNames.nearestNames(to: name, among: names)
        let known = names.isEmpty ? "It takes none." : "Known here: \(names.joined(separator: ", "))."
        var error = Self(
            400, "invalid_request",
            "There is no '\(name.prefix(200))' in \(place).\(near.isEmpty ? " " + known : Self.hint(near))")
        error.near = near
        return error
    }

    static func badField(_ name: String, _ problem: String) -> Self {
        Self(400, "invalid_request", "'\(name)' \(problem).")
    }

    /// Somebody else was first, or the change was made for another version.
    static func changed(_ what: String, now etag: ETag?) -> Self {
        var error = Self(
            412, "precondition_failed", "\(what) has changed since it was read: read it again, then change it.")
        if let etag { error.headers[.eTag] = etag.description }
        return error
    }

    /// A configuration that cannot be used.
    static func unusable(_ error: ConfigurationError) -> Self {
        .unusable(error.faults.map(\.description))
    }

    /// A configuration that cannot be used, for these reasons.
    static func unusable(_ faults: [String]) -> Self {
        var refusal = Self(
            422, "invalid_configuration", "The configuration would have faults; nothing was changed.")
        refusal.faults = faults
        return refusal
    }

    private static func hint(_ near: [String]) -> String {
        near.isEmpty ? "" : " Did you mean \(near.map { "'\($0)'" }.joined(separator: ", "))?"
    }

    /// The response as it is sent.
    var response: EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.beginObject()
        json.member("type", self.type)
        json.member("message", self.message)
        if !self.near.isEmpty { json.member("did_you_mean", texts: self.near) }
        if !self.faults.isEmpty { json.member("faults", texts: self.faults) }
        json.endObject()
        json.endObject()
        var headers = self.headers
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return EdgeResponse(status: self.status, headers: headers, body: json.bytes)
    }
}
