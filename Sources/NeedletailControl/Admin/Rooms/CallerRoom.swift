import NIOHTTP1
import NeedletailCore

/// What a key may do.
struct CallerRoom: AdminRoom {
    let title = "Caller"

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/whoami", .read, "The key that is used: its name, role and permissions.") { request in
                .object { json in
                    json.member("name", request.caller.name)
                    json.member("role", request.caller.role.rawValue)
                    json.member("permissions", texts: request.caller.role.permissions.map(\.rawValue).sorted())
                }
            }
        ]
    }
}
