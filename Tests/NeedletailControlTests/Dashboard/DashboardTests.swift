import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import Testing

@testable import NeedletailControl

@Suite("The dashboard's files")
struct DashboardTests {
    /// Says that a request came through.
    private struct Rest: EdgeHandler {
        func admit(_ head: HTTPRequestHead) -> EdgeAdmission { .refused(EdgeResponse(status: 418)) }
        func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async {}
        func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse { EdgeResponse(status: 500) }
    }

    private let files = DashboardFiles()

    private func text(_ path: String) throws -> String { String(buffer: try #require(self.files.file(at: path)).body) }

    /// What a file names of the others.
    private static func references(_ text: String) -> [String] {
        text.split(separator: "\"").map(String.init).filter { $0.hasPrefix(DashboardFiles.root) }
    }

    @Test("every file that a page names is there, and nothing comes from elsewhere")
    func complete() throws {
        var open = ["/"]
        var seen: Set<String> = []
        while let path = open.popLast() {
            guard seen.insert(path).inserted else { continue }
            let text = try self.text(path)
            open += Self.references(text)
            for scheme in ["http://", "https://", "//cdn", "data:text"] where text.contains(scheme) {
                // The name of SVG's elements, which is asked of nobody.
                let names = text.replacing("http://www.w3.org/2000/svg", with: "")
                #expect(!names.contains(scheme), "\(path)")
            }
        }
        #expect(seen.count > 10)
    }

    @Test("the first load is small")
    func size() {
        #expect(self.files.size < 300 << 10)
    }

    @Test(
        "nothing in them needs what the policy forbids",
        arguments: ["eval(", "innerHTML", "onclick=", "style=\"", "document.write"])
    func policy(_ forbidden: String) throws {
        var open = ["/"]
        var seen: Set<String> = []
        while let path = open.popLast() {
            guard seen.insert(path).inserted else { continue }
            let text = try self.text(path)
            open += Self.references(text)
            #expect(!text.contains(forbidden), "\(path)")
        }
    }

    @Test("a file comes with its type, a strict policy and a version")
    func headers() throws {
        let file = try #require(self.files.file(at: "/dashboard/app.js"))
        let response = DashboardHandler.response(file, ifNoneMatch: nil)
        #expect(response.status == 200)
        #expect(response.headers[.contentType] == "text/javascript; charset=utf-8")
        let name = try #require(HTTPField.Name("content-security-policy"))
        #expect(response.headers[name]?.hasPrefix("default-src 'none'; script-src 'self'") == true)
        let again = DashboardHandler.response(file, ifNoneMatch: response.headers[.eTag])
        #expect(again.status == 304)
        #expect(again.body.readableBytes == 0)
    }

    @Test(
        "everything else is passed on",
        arguments: [
            ("GET", "/dashboard/none.js"), ("GET", "/health"), ("POST", "/"), ("GET", "/dashboard/../app.js"),
            ("GET", "/admin/v1/whoami"),
        ])
    func others(_ method: String, _ path: String) {
        let handler = DashboardHandler(before: Rest())
        let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path)
        guard case .refused(let response) = handler.admit(head) else {
            Issue.record("\(method) \(path) was taken")
            return
        }
        #expect(response.status == 418)
    }
}
