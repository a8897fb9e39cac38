import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import NeedletailTesting

@testable import NeedletailControl

/// A room with one route of every kind.
struct SampleRoom: AdminRoom {
    let title = "Sample"
    let names: [String]

    var routes: [AdminRoute] {
        [
            AdminRoute(.GET, "/things", .read, "All.", query: AdminField.page) { [names] request throws(AdminError) in
                try AdminPage.reply(names, for: request, name: { $0 }) { $0.member("name", $1) }
            },
            AdminRoute(.GET, "/things/{name}", .read, "One.") { [names] request throws(AdminError) in
                guard names.contains(request["name"]) else {
                    throw .unknown("thing", request["name"], among: names)
                }
                return .object(etag: ETag(of: request["name"])) { $0.member("name", request["name"]) }
            },
            AdminRoute(
                .PATCH, "/things/{name}", .operate, "Change one.",
                body: .fields([
                    AdminField("weight", .number, "Its share.", isRequired: true),
                    AdminField("note", .text, "A note."),
                ])
            ) { request throws(AdminError) in
                try request.condition.require("The thing", ETag(of: request["name"]))
                return .object { $0.member("weight", number: request.body?["weight"]?.double) }
            },
            AdminRoute(.POST, "/things/special", .configure, "The literal one.", status: 201) { _ in .object { _ in } },
            AdminRoute(.DELETE, "/things/{name}", .keys, "Drop one.", status: 204) { _ in AdminReply(body: ByteBuffer())
            },
            AdminRoute(.POST, "/secrets", .keys, "Make one.", status: 201, holdsSecret: true) { _ in
                .object { $0.member("key", "nd-shown-once") }
            },
            AdminRoute(.GET, "/bills", .audit, "Bills.") { _ in .object { _ in } },
            AdminRoute(.POST, "/questions", .explain, "Ask.", body: .object(summary: "Any.")) { _ in .object { _ in } },
        ]
    }
}

extension AdminConfiguration {
    /// One key per role, named and worded after it.
    static let everyRole = AdminConfiguration(
        keys: AdminRole.allCases.map { Key(name: "\($0)", secret: Secret("secret-of-\($0)"), role: $0) })
}

/// A head as a client sends it.
func adminHead(
    _ method: HTTPMethod, _ path: String, key: String? = nil, host: String = "localhost",
    _ more: [(String, String)] = []
) -> HTTPRequestHead {
    var headers = HTTPHeaders([("host", host)] + more)
    if let key { headers.add(name: "authorization", value: "Bearer \(key)") }
    return HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
}

/// The API over the sample room, asked without a socket.
struct SampleAPI {
    let api: AdminAPI
    let access: AdminAccess

    init(
        _ configuration: AdminConfiguration = .everyRole, names: [String] = ["one", "two"], time: TimeSource = .live
    ) {
        self.access = AdminAccess(configuration, host: "127.0.0.1", time: time)
        self.api = AdminAPI(
            [SampleRoom(names: names)], access: self.access, rest: Elsewhere(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Everything but the admin API.
    private struct Elsewhere: EdgeHandler {
        func admit(_ head: HTTPRequestHead) -> EdgeAdmission {
            .refused(EdgeResponse(status: 299))
        }
        func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {}
        func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse { EdgeResponse(status: 500) }
    }

    func ask(_ head: HTTPRequestHead, _ body: String = "", from peer: String = "10.0.0.1") async -> EdgeResponse {
        let address = try? SocketAddress(ipAddress: peer, port: 1)
        switch self.api.admit(head, from: address) {
        case .refused(let response): return response
        case .admitted(let call):
            guard let call = call as? AdminAPI.Call else { return EdgeResponse(status: 500) }
            return await self.api.answer(call, head, ByteBuffer(string: body)).response
        }
    }
}

extension EdgeResponse {
    /// The body as text.
    var text: String { String(buffer: self.body) }
}
