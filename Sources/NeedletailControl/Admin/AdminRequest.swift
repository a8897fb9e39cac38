import NIOHTTP1
import NeedletailCore
import NeedletailGateway

/// A call of an operation whose parameters and body fit its route.
struct AdminRequest: Sendable {
    /// Who calls.
    var caller: AdminCaller
    /// What stands in the path's places.
    var parameters: [String: String] = [:]
    /// The query.
    var query: [String: String] = [:]
    /// The body; `nil` when there is none.
    var body: JSONView?
    /// The id of the last event that the caller has seen, where it goes on reading a stream (`last-event-id`).
    var lastEventID: String?
    /// The condition of a change.
    var condition = ETagCondition.none

    /// What stands in a place of the path, by its name in the route.
    subscript(parameter: String) -> String { self.parameters[parameter] ?? "" }

    /// Reads a query string; of a repeated name the last one counts, as `+` a space is meant.
    static func query(_ text: Substring) throws(AdminError) -> [String: String] {
        var values: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? parts[1].replacing("+", with: " ")[...] : ""
            guard let name = PercentEncoding.decoded(parts[0]), let value = PercentEncoding.decoded(value) else {
                throw AdminError(400, "invalid_request", "The query is not well encoded.")
            }
            values[name] = value
        }
        return values
    }
}

/// Who calls the admin API.
struct AdminCaller: Sendable, Hashable {
    /// The key's name; `local` where no key is asked for.
    var name: String
    /// What it may do.
    var role: AdminRole

    /// Everybody on this machine, while no admin key is configured.
    static let local = AdminCaller(name: "local", role: .admin)
}
