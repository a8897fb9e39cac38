import HTTPTypes
import NIOHTTP1
import NeedletailCore

/// Finds the route of a request among those of all rooms.
struct AdminRouter: Sendable {
    /// A room's heading and its routes.
    struct Section: Sendable {
        var title: String
        var routes: [AdminRoute]
    }

    /// All of them, in the order of the rooms.
    let sections: [Section]
    private let routes: [AdminRoute]

    init(_ rooms: [any AdminRoom]) {
        self.sections = rooms.map { Section(title: $0.title, routes: $0.routes) }
        // The more literal one first, so that the first match is meant.
        self.routes = self.sections.flatMap(\.routes).sorted { $0.path.precision > $1.path.precision }
    }

    /// The route of a method and a path below ``AdminRoute/root``, and what stands in its places.
    func route(
        _ method: HTTPMethod, _ path: Substring
    ) throws(AdminError) -> (route: AdminRoute, parameters: [String: String]) {
        var allowed: [String] = []
        if let segments = AdminPath.segments(of: path) {
            for route in self.routes {
                guard let parameters = route.path.match(segments) else { continue }
                if route.method == method || route.method == .GET && method == .HEAD { return (route, parameters) }
                allowed.append(route.method.rawValue)
                if route.method == .GET { allowed.append("HEAD") }
            }
        }
        guard !allowed.isEmpty else {
            let paths = Set(self.routes.map { AdminRoute.root + $0.path.description })
            throw .unknown("path", AdminRoute.root + path, among: paths)
        }
        let list = allowed.sorted().joined(separator: ", ")
        var error = AdminError(405, "invalid_request", "This path takes \(list).")
        error.headers[.allow] = list
        throw error
    }
}
