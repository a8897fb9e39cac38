import NIOHTTP1
import NeedletailCore

/// `GET /admin/v1/openapi.json`: the routes of all rooms as an OpenAPI 3.1 document, made of the same table that
/// dispatches and checks them.
struct OpenAPIRoom: AdminRoom {
    let title = "Document"
    private let rooms: [any AdminRoom]

    init(_ rooms: [any AdminRoom]) {
        self.rooms = rooms
    }

    var routes: [AdminRoute] {
        // Made once; the document describes itself too.
        let summary = "This document."
        let own = AdminRouter.Section(
            title: self.title,
            routes: [AdminRoute(.GET, "/openapi.json", .read, summary) { _ in AdminReply.object { _ in } }])
        let bytes = OpenAPIDocument(sections: AdminRouter(self.rooms).sections + [own]).bytes
        return [AdminRoute(.GET, "/openapi.json", .read, summary) { _ in AdminReply(body: bytes) }]
    }
}
