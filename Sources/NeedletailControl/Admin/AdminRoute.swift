import NIOHTTP1

/// One operation of the admin API.
struct AdminRoute: Sendable {
    /// Answers; runs off the event loops, so it may take its time.
    typealias Handler = @Sendable (AdminRequest) async throws(AdminError) -> AdminReply

    /// What it takes as a body.
    enum Body: Sendable {
        case none
        /// An object with these members and no others.
        case fields([AdminField])
        /// Any JSON object; the handler judges it.
        case object(summary: String)
    }

    /// The method; GET answers HEAD too.
    var method: HTTPMethod
    /// The path below ``root``; `{name}` stands for one segment.
    var path: AdminPath
    /// What the caller must be allowed to do.
    var permission: AdminPermission
    /// One sentence.
    var summary: String
    /// The query parameters; others are refused.
    var query: [AdminField]
    /// The body.
    var body: Body
    /// The status when all went well.
    var status: Int
    /// Whether the answer shows a secret, so that nothing may keep it.
    var holdsSecret: Bool
    let handler: Handler

    /// Where all routes begin.
    static let root = "/admin/v1"

    init(
        _ method: HTTPMethod,
        _ path: String,
        _ permission: AdminPermission,
        _ summary: String,
        query: [AdminField] = [],
        body: Body = .none,
        status: Int = 200,
        holdsSecret: Bool = false,
        handler: @escaping Handler
    ) {
        self.method = method
        self.path = AdminPath(path)
        self.permission = permission
        self.summary = summary
        self.query = query
        self.body = body
        self.status = status
        self.holdsSecret = holdsSecret
        self.handler = handler
    }
}
