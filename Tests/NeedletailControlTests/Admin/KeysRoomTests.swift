import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailRouting
import NeedletailTesting
import Testing

@testable import NeedletailControl

/// Stored keys by the admin API, and what becomes of their requests.
@Suite("Keys by the admin API", .timeLimit(.minutes(5)))
struct KeysRoomTests {
    private let folder: TemporaryFolder
    private let time = JumpingTime()
    private let process: GatewayProcess
    private let api: AdminAPI

    init() throws {
        self.folder = try TemporaryFolder()
        let path = try self.folder.write(
            "needletail.yaml",
            """
            listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0" }
            providers: { main: { type: mock, delay: 0s } }
            keys: [ { name: file, key: a-key-of-the-file-0123456789 } ]
            tenants: { blue: { limits: { rpm: 100 } } }
            prices: { models: { main/m: { input: "1", output: "1" } } }
            store: on
            """)
        let configuration = try ConfigurationLoader(types: .version, environment: [:], time: self.time.source)
            .load(file: path)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.process = try GatewayProcess(
            configuration, .init(environment: [:], group: .singleton, time: self.time.source, logger: logger))
        self.api = AdminAPI(
            self.process.rooms, access: AdminAccess(.everyRole, host: "127.0.0.1", time: self.time.source),
            rest: NowhereHandler(), logger: logger, audit: self.process.store.audit, time: self.time.source)
    }

    private func ask(
        _ method: HTTPMethod, _ path: String, _ body: String = "", match: String? = nil, role: String = "admin"
    ) async throws -> (status: Int, json: JSONView?, etag: String?) {
        let more = match.map { [("if-match", $0)] } ?? []
        let head = adminHead(method, AdminRoute.root + path, key: "secret-of-\(role)", more)
        let response: EdgeResponse
        let peer = try SocketAddress(ipAddress: "192.0.2.7", port: 1)
        switch self.api.admit(head, from: peer) {
        case .refused(let refusal): response = refusal
        case .admitted(let call):
            let known = try #require(call as? AdminAPI.Call)
            response = await self.api.answer(known, head, ByteBuffer(string: body)).response
        }
        return (response.status, (try? JSONDocument(response.body))?.root, response.headers[.eTag])
    }

    /// The code of the refusal, or what is left of the requests.
    private func chat(_ key: String, tenant: String? = nil) async throws -> String {
        let context = RequestContext.testing(keyName: key, tenant: tenant)
        let body = #"{"model":"main/m","max_tokens":10,"messages":[{"role":"user","content":"hi"}]}"#
        do throws(NeedletailError) {
            _ = try await self.process.stack.provider.respond(
                to: try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .chat),
                context: context)
        } catch {
            return "\(error.code)"
        }
        return context.request.limitReport?.requests.map { "\($0.remaining) of \($0.limit)" } ?? "free"
    }

    private func find(_ secret: String?) -> AccessKey? { self.process.store.keys?.find(secret ?? "") }

    @Test(
        "a key with limits is held to them, keeps what it has used when it is changed, and is gone when it is deleted")
    func limits() async throws {
        let made = try await self.ask(.POST, "/keys", #"{"name":"dev","limits":{"rpm":2}}"#)
        #expect(made.status == 201 && made.json?["limits"]?["rpm"]?.int == 2)
        let (id, secret) = (try #require(made.json?["id"]?.string), made.json?["key"]?.string)
        #expect(try await self.chat("dev") == "1 of 2")
        #expect(try await self.chat("dev") == "0 of 2")
        #expect(try await self.chat("dev") == "rateLimited")
        #expect(try await self.chat("other") == "free")
        #expect(try await self.ask(.PATCH, "/keys/\(id)", #"{"limits":{"rpm":60}}"#).status == 200)
        #expect(try await self.chat("dev") == "rateLimited")
        self.time.advance(by: .seconds(1))
        #expect(try await self.chat("dev") == "0 of 60")
        #expect(try await self.chat("dev", tenant: "blue") == "rateLimited")
        // A reload leaves it as it is.
        #expect(try await self.ask(.POST, "/config/reload").status == 200)
        #expect(try await self.chat("dev") == "rateLimited")
        #expect(self.find(secret)?.name == "dev")
        #expect(try await self.ask(.DELETE, "/keys/\(id)").status == 204)
        #expect(self.find(secret) == nil && self.process.store.keys?.limits.scopes.isEmpty == true)
        #expect(try await self.ask(.GET, "/keys/\(id)").status == 404)
        await self.process.drain()
    }

    @Test("a key's budget holds beside those of the configuration, counts on under another limit, and is shown")
    func budget() async throws {
        _ = try await self.ask(.POST, "/keys", #"{"name":"dev","budget":{"limit":"0.001","per":"day"}}"#)
        #expect(try await self.chat("dev") == "free")
        let shown = try await self.ask(.GET, "/budgets")
        #expect(shown.json?["data"]?.elements.map { $0["name"]?.string } == ["key dev"])
        _ = try await self.ask(.PATCH, "/keys/dev", #"{"budget":{"limit":"0.000001"}}"#)
        #expect(try await self.chat("dev") == "budgetExceeded")
        #expect(try await self.ask(.POST, "/config/reload").status == 200)
        #expect(try await self.chat("dev") == "budgetExceeded")
        _ = try await self.ask(.PATCH, "/keys/dev", #"{"budget":null}"#)
        #expect(try await self.chat("dev") == "free")
        #expect(self.process.store.budgets.rules.isEmpty)
        await self.process.drain()
    }

    @Test("of two changes made for one version the second is refused and changes nothing")
    func versions() async throws {
        let made = try await self.ask(.POST, "/keys", #"{"name":"dev"}"#)
        let etag = try #require(made.etag)
        let listed = try await self.ask(.GET, "/keys")
        #expect(listed.json?["data"]?.elements.map { $0["etag"]?.string } == [etag])
        #expect(try await self.ask(.GET, "/keys/dev").etag == etag)
        let first = try await self.ask(.PATCH, "/keys/dev", #"{"models":["a"]}"#, match: etag)
        #expect(first.status == 200 && first.etag != etag && first.json?["etag"]?.string == first.etag)
        let second = try await self.ask(.PATCH, "/keys/dev", #"{"models":["b"]}"#, match: etag)
        #expect(second.status == 412 && second.etag == first.etag)
        #expect(try await self.ask(.DELETE, "/keys/dev", match: etag).status == 412)
        #expect(try await self.ask(.GET, "/keys/dev").json?["models"]?.elements.map(\.string) == ["a"])
        #expect(try await self.ask(.DELETE, "/keys/dev", match: first.etag).status == 204)
        #expect(try await self.ask(.DELETE, "/keys/dev").status == 404)
        await self.process.drain()
    }

    @Test(
        "a body that cannot be meant is refused",
        arguments: [
            ("{}", 400), (#"{"tenant":"red"}"#, 400), (#"{"limits":{"rpm":-1}}"#, 400), (#"{"limits":5}"#, 400),
            (#"{"enabled":null}"#, 400), (#"{"name":"file"}"#, 400), (#"{"expires_in":0}"#, 400),
            (#"{"models":"a"}"#, 400),
        ])
    func faults(body: String, status: Int) async throws {
        _ = try await self.ask(.POST, "/keys", #"{"name":"dev"}"#)
        let refused = try await self.ask(.PATCH, "/keys/dev", body)
        #expect(refused.status == status && refused.json?["error"]?["message"]?.string?.isEmpty == false)
        #expect(try await self.ask(.PATCH, "/keys/dev", #"{"models":["a"]}"#, role: "operator").status == 403)
        #expect(try await self.ask(.DELETE, "/keys/dev", role: "operator").status == 403)
        #expect(try await self.ask(.GET, "/keys/dev", role: "auditor").json?["models"] == nil)
        await self.process.drain()
    }

    @Test("changes are in the audit record, with who made them")
    func audit() async throws {
        _ = try await self.ask(.POST, "/keys", #"{"name":"dev"}"#)
        _ = try await self.ask(.PATCH, "/keys/dev", #"{"models":["a"]}"#)
        _ = try await self.ask(.DELETE, "/keys/dev")
        let file = try #require(self.process.store.file)
        await self.process.drain()
        let events = try AuditTool(file).list(AuditQuestion(limit: 100)).compactMap(\.event)
        for action in ["PATCH /keys/{name}", "DELETE /keys/{name}"] {
            let event = try #require(events.first { $0.action == action })
            #expect(event.subject == "dev" && event.actor == "admin" && event.outcome == .done)
        }
    }
}
