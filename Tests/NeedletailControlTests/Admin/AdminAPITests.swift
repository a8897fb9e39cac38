import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Admin API: frame")
struct AdminAPITests {
    private static let root = AdminRoute.root

    @Test("every role may do on every route what the table says, and nothing else", arguments: AdminRole.allCases)
    func roles(role: AdminRole) async {
        let sample = SampleAPI()
        let bodies = ["/things/{name}": #"{"weight":1}"#, "/questions": "{}"]
        for route in SampleRoom(names: []).routes + OpenAPIRoom([]).routes {
            let path = Self.root + route.path.description.replacing("{name}", with: "one")
            let head = adminHead(route.method, path, key: "secret-of-\(role)")
            let body = route.method == .DELETE || route.method == .GET ? "" : bodies[route.path.description] ?? ""
            let response = await sample.ask(head, body)
            let may = role.permissions.contains(route.permission)
            #expect(response.status == (may ? route.status : 403), "\(role) \(route.method) \(path): \(response.text)")
            if !may { #expect(response.text.contains("'\(route.permission)'"), "\(response.text)") }
        }
    }

    @Test("no key, a wrong one, and one that is a client's get the same 401")
    func unauthorized() async {
        let sample = SampleAPI()
        var texts: Set<String> = []
        for key in [nil, "wrong", "secret-of-admiN", ""] {
            let response = await sample.ask(adminHead(.GET, Self.root + "/things", key: key))
            #expect(response.status == 401 && response.headers[.wwwAuthenticate] == "Bearer")
            texts.insert(response.text)
        }
        #expect(texts.count == 1)
        // Other paths of the listener are guarded too.
        #expect(await sample.ask(adminHead(.GET, "/health")).status == 401)
        #expect(await sample.ask(adminHead(.GET, "/health", key: "secret-of-auditor")).status == 299)
    }

    @Test("what is open needs no key, and no more than that")
    func open() async {
        var configuration = AdminConfiguration.everyRole
        configuration.open = [.health]
        let sample = SampleAPI(configuration)
        #expect(await sample.ask(adminHead(.GET, "/health")).status == 299)
        for path in [
            "/health/providers", "/metrics", "/health/", Self.root + "/health", Self.root + "/things", "health",
        ] {
            #expect(await sample.ask(adminHead(.GET, path)).status == 401, "\(path)")
        }
    }

    @Test("without keys this machine may do everything, and a page of another site nothing")
    func local() async {
        let sample = SampleAPI(AdminConfiguration())
        #expect(await sample.ask(adminHead(.GET, Self.root + "/bills")).status == 200)
        #expect(await sample.ask(adminHead(.GET, Self.root + "/bills", host: "evil.example")).status == 403)
        let origin = [("origin", "http://evil.example")]
        #expect(await sample.ask(adminHead(.POST, Self.root + "/things/special", origin)).status == 403)
    }

    @Test("ten wrong keys lock a client out, the right key too, others not; a minute later it may try again")
    func lockOut() async {
        let time = JumpingTime()
        let sample = SampleAPI(time: time.source)
        let (good, bad) = (
            adminHead(.GET, Self.root + "/bills", key: "secret-of-admin"),
            adminHead(.GET, Self.root + "/bills", key: "no")
        )
        for _ in 1..<GuessGuardState.threshold { #expect(await sample.ask(bad).status == 401) }
        let last = await sample.ask(bad)
        #expect(last.status == 429 && last.headers[.retryAfter] == "61")
        #expect(await sample.ask(good).status == 429)
        #expect(await sample.ask(good, from: "10.0.0.2").status == 200)
        time.advance(by: GuessGuardState.lockTime)
        #expect(await sample.ask(good).status == 200)
        // The right key forgets what came before.
        for _ in 1..<GuessGuardState.threshold { #expect(await sample.ask(bad).status == 401) }
        #expect(await sample.ask(good).status == 200)
        #expect(await sample.ask(bad).status == 401)
    }

    @Test(
        "a client is an IPv4 address or a /64",
        arguments: [
            ("10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"), ("2001:db8::9", "2001:db8:0:0"),
            ("::1", "0:0:0:0"), ("2001:db8:1:2::", "2001:db8:1:2"),
        ])
    func clients(address: String, client: String) throws {
        #expect(AdminAccess.client(try SocketAddress(ipAddress: address, port: 9)) == client)
    }

    @Test("the guard's memory is bounded, and who is locked out stays so while others come and go")
    func bounded() {
        var state = GuessGuardState()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<GuessGuardState.threshold { _ = state.fail("guesser", now: now) }
        for number in 0..<(GuessGuardState.capacity * 3) {
            now = now.advanced(by: .milliseconds(10))
            _ = state.fail("client-\(number)", now: now)
            #expect(state.count <= GuessGuardState.capacity)
        }
        #expect(state.wait(of: "guesser", now: now) != nil)
        now = now.advanced(by: GuessGuardState.window)
        #expect(state.wait(of: "guesser", now: now) == nil)
    }

    @Test("wrong keys that are far apart lock nobody out")
    func slow() {
        var state = GuessGuardState()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<50 {
            let locks = state.fail("c", now: now)
            #expect(!locks)
            now = now.advanced(by: .seconds(60))
        }
    }

    @Test("an unknown path names near ones, a wrong method the right ones")
    func unknown() async {
        let sample = SampleAPI(AdminConfiguration())
        let near = await sample.ask(adminHead(.GET, Self.root + "/thing"))
        #expect(near.status == 404 && near.text.contains(#""did_you_mean":["/admin/v1/things""#), "\(near.text)")
        let method = await sample.ask(adminHead(.PUT, Self.root + "/things/one"))
        #expect(method.status == 405 && method.headers[.allow] == "DELETE, GET, HEAD, PATCH")
        for path in ["/things/", "//things", "/things/%zz", "/things/one/more", "/"] {
            #expect(await sample.ask(adminHead(.GET, Self.root + path)).status == 404, "\(path)")
        }
        let name = await sample.ask(adminHead(.GET, Self.root + "/things/onne"))
        #expect(name.status == 404 && name.text.contains(#""did_you_mean":["one"]"#), "\(name.text)")
        #expect(await sample.ask(adminHead(.HEAD, Self.root + "/things/one")).status == 200)
        // The literal path is meant before the name.
        #expect(await sample.ask(adminHead(.POST, Self.root + "/things/special")).status == 201)
    }

    @Test("a name may hold what a path may not")
    func encodedNames() async {
        let sample = SampleAPI(AdminConfiguration(), names: ["a/b c", "ü"])
        for name in ["a%2Fb%20c", "%C3%BC"] {
            #expect(await sample.ask(adminHead(.GET, Self.root + "/things/" + name)).status == 200)
        }
    }

    @Test(
        "a body or query that does not fit is refused with what fits",
        arguments: [
            ("", "is not JSON"), ("[]", "not a JSON object"), ("{}", "'weight' is missing; it is a number"),
            (#"{"weight":"1"}"#, "'weight' is a number"), (#"{"weight":1,"nte":"x"}"#, "Did you mean 'note'?"),
            (#"{"weight":1,"note":null}"#, "'note' is a text"), ("{\"weight\":1", "is not JSON"),
        ])
    func bodies(body: String, problem: String) async {
        let response = await SampleAPI(AdminConfiguration()).ask(adminHead(.PATCH, Self.root + "/things/one"), body)
        #expect(response.status == 400 && response.text.contains(problem), "\(response.text)")
    }

    @Test(
        "a query that does not fit is refused",
        arguments: ["limit=0", "limit=x", "limit=1001", "cursor=xyz", "limti=1", "limit=%zz", "cursor=6"])
    func queries(query: String) async {
        let response = await SampleAPI(AdminConfiguration()).ask(adminHead(.GET, Self.root + "/things?" + query))
        #expect(response.status == 400, "\(response.text)")
    }

    @Test("pages show everything once, in order, however they are cut", arguments: [1, 2, 3, 7, 1000])
    func pages(limit: Int) async throws {
        let names = (0..<20).map { "name-\($0) /é&" }
        let sample = SampleAPI(AdminConfiguration(), names: names.reversed())
        var (seen, cursor): ([String], String?) = ([], nil)
        repeat {
            let more = cursor.map { "&cursor=\($0)" } ?? ""
            let response = await sample.ask(adminHead(.GET, Self.root + "/things?limit=\(limit)" + more))
            let root = try JSONDocument(response.body).root
            let data = try #require(root["data"]).elements.compactMap { $0["name"]?.string }
            #expect(data.count <= limit && !data.isEmpty)
            seen += data
            cursor = root.present("next_cursor")?.string
        } while cursor != nil
        #expect(seen == names.sorted())
    }

    @Test(
        "a change with a condition holds for that version only",
        arguments: [
            (nil, 200), ("*", 200), ("\"nonsense\"", 412), ("W/@", 412), ("\"a\", @", 200), ("@", 200), ("", 412),
        ] as [(String?, Int)])
    func conditions(header: String?, status: Int) async {
        let etag = ETag(of: "one").description
        let headers = header.map { [("if-match", $0.replacing("@", with: etag))] } ?? []
        let head = adminHead(.PATCH, Self.root + "/things/one", headers)
        let response = await SampleAPI(AdminConfiguration()).ask(head, #"{"weight":2}"#)
        #expect(response.status == status, "\(response.text)")
        if status == 412 { #expect(response.headers[.eTag] == etag) }
    }

    @Test("the OpenAPI document has every route with its parameters, and is one itself")
    func document() async throws {
        let response = await SampleAPI(AdminConfiguration()).ask(adminHead(.GET, Self.root + "/openapi.json"))
        let root = try JSONDocument(response.body).root
        #expect(root["openapi"]?.string == "3.1.0")
        let paths = try #require(root["paths"])
        var found: Set<String> = []
        for path in paths.members {
            for operation in path.value.members { found.insert("\(operation.key.uppercased()) \(path.key)") }
        }
        let routes = SampleRoom(names: []).routes + OpenAPIRoom([]).routes
        #expect(found == Set(routes.map { "\($0.method) \($0.path)" }))
        let patch = try #require(paths["/things/{name}"]?["patch"])
        #expect(patch["parameters"]?.elements.map { $0["name"]?.string } == ["name"])
        let schema = patch["requestBody"]?["content"]?["application/json"]?["schema"]
        #expect(schema?["properties"]?.members.map(\.key) == ["weight", "note"])
        #expect(schema?["required"]?.elements.map(\.string) == ["weight"])
        let ids = paths.members.flatMap { path in path.value.members.compactMap { $0.value["operationId"]?.string } }
        #expect(ids.count == routes.count && Set(ids).count == ids.count)
    }
}
