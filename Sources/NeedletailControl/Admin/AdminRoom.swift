/// Some routes of the admin API that belong together. A new one is a file with its routes, and a line where the
/// process is composed; dispatch, keys, errors and the OpenAPI document follow from the routes.
protocol AdminRoom: Sendable {
    /// The heading under which the OpenAPI document shows them.
    var title: String { get }
    /// The routes; asked for once.
    var routes: [AdminRoute] { get }
}
