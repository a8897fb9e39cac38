import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway

/// Answers `/` and `/dashboard/…` on the admin listener with the dashboard's files, and passes everything else on.
///
/// The files hold nothing secret and need no key: what they show comes from the admin API, with the key that the user
/// gives them.
final class DashboardHandler: EdgeHandler {
    private let files = DashboardFiles()
    private let rest: any EdgeHandler

    /// - Parameter rest: Who answers every other path.
    init(before rest: any EdgeHandler) {
        self.rest = rest
    }

    func admit(_ head: HTTPRequestHead) -> EdgeAdmission { self.admit(head, from: nil) }

    func admit(_ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?) -> EdgeAdmission {
        guard head.method == .GET || head.method == .HEAD, let file = self.files.file(at: String(head.path)) else {
            return self.rest.admit(head, from: peer())
        }
        return .admitted(file)
    }

    func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {
        guard let file = request.admission as? DashboardFiles.File else {
            return await self.rest.respond(to: request, through: responder)
        }
        responder.send(Self.response(file, ifNoneMatch: request.head.headers.first(name: "if-none-match")))
    }

    static func response(_ file: DashboardFiles.File, ifNoneMatch known: String?) -> EdgeResponse {
        var headers: HTTPFields = [
            .contentType: file.contentType, .eTag: file.etag,
            // The next version of the gateway has other files under the same names.
            .cacheControl: "no-cache",
        ]
        for (name, value) in Self.guards { headers[name] = value }
        if known == file.etag { return EdgeResponse(status: 304, headers: headers) }
        return EdgeResponse(status: 200, headers: headers, body: file.body)
    }

    /// Nothing but the files' own scripts and styles runs, nothing is asked of another host, and no other site shows the
    /// dashboard inside its own (Content Security Policy Level 3).
    private static let guards: [(HTTPField.Name, String)] = {
        let policy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        let named = [
            ("content-security-policy", policy), ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
        ]
        return named.compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }
    }()

    func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse {
        self.rest.failure(error, for: head)
    }
}
