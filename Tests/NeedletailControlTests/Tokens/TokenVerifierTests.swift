import Crypto
import CryptoExtras
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Signed tokens", .timeLimit(.minutes(5)))
struct TokenVerifierTests {
    private static let p256 = TokenFixture.Key.p256("e", P256.Signing.PrivateKey())
    private static let other = TokenFixture.Key.p256("e", P256.Signing.PrivateKey())

    /// Made once: a key takes its time.
    private enum RSAKeys {
        static let pair = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }
        static var long: _RSA.Signing.PrivateKey {
            get throws { try Self.pair.get() }
        }
    }

    private static func problem(_ verifier: TokenVerifier, _ token: String) -> TokenClaims.Problem? {
        do throws(TokenClaims.Problem) {
            _ = try verifier.holder(of: token)
            return nil
        } catch { return error }
    }

    @Test(
        "What the issuer signed is taken, by every algorithm",
        arguments: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])
    func algorithms(_ algorithm: String) async throws {
        let fixture = TokenFixture()
        let key: TokenFixture.Key =
            switch algorithm {
            case "ES256": .p256("k", P256.Signing.PrivateKey())
            case "ES384": .p384("k", P384.Signing.PrivateKey())
            case "ES512": .p521("k", P521.Signing.PrivateKey())
            case "EdDSA": .ed25519("k", Curve25519.Signing.PrivateKey())
            default: .rsa("k", try RSAKeys.long)
            }
        let verifier = try await fixture.verifier([key])
        let token = try TokenFixture.token(key, algorithm, fixture.claims())
        let holder = try verifier.holder(of: token)
        #expect(holder.client?.name == "corp:ann" && holder.administrator == nil)
        // A letter changed in any part.
        for place in [3, token.utf8.count / 2, token.utf8.count - 10] {
            var letters = Array(token)
            letters[place] = letters[place] == "A" ? "B" : "A"
            #expect(Self.problem(verifier, String(letters)) != nil)
        }
        let unnamed = try TokenFixture.token(key, algorithm, fixture.claims(), header: #"{"alg":"\#(algorithm)"}"#)
        #expect(try verifier.holder(of: unnamed).client?.name == "corp:ann", "a token need not name its key")
    }

    @Test("A forged token is refused, whatever it says of itself")
    func forged() async throws {
        let fixture = TokenFixture()
        let rsa = TokenFixture.Key.rsa("r", try RSAKeys.long)
        let verifier = try await fixture.verifier([rsa, Self.p256])
        let good = fixture.claims()
        func check(_ expected: TokenClaims.Problem, _ token: String, _ comment: Comment) {
            #expect(Self.problem(verifier, token) == expected, comment)
        }
        let unsigned = Base64URL.encode(Array(#"{"alg":"none"}"#.utf8)) + "." + Base64URL.encode(Array(good.utf8))
        check(.malformed, unsigned + ".", "no signature")
        check(.malformed, unsigned + ".AAAA", "alg none with something")
        // The public key as a shared secret.
        let header = Base64URL.encode(Array(#"{"alg":"HS256","kid":"r"}"#.utf8))
        let text = header + "." + Base64URL.encode(Array(good.utf8))
        let secret = SymmetricKey(data: Data(try rsa.json().utf8))
        let mac = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: secret)
        check(.malformed, text + "." + Base64URL.encode(Array(mac)), "alg HS256")
        check(.signature, try TokenFixture.token(Self.other, "ES256", good), "another's key of the same name")
        check(
            .signature, try TokenFixture.token(Self.p256, "ES256", good, header: #"{"alg":"RS256","kid":"e"}"#),
            "another algorithm than the key's")
        check(
            .unknownKey, try TokenFixture.token(Self.p256, "ES256", good, header: #"{"alg":"ES256","kid":"x"}"#),
            "a key that is not there")
        check(
            .malformed,
            try TokenFixture.token(Self.p256, "ES256", good, header: #"{"alg":"ES256","kid":"e","crit":["b64"]}"#),
            "an extension")
        check(.malformed, try TokenFixture.token(Self.p256, "ES256", "[]"), "no object")
        check(.malformed, "eyJ.a.b", "nothing")
        check(.malformed, "eyJ" + String(repeating: "A", count: 20_000) + ".a.b", "too long")
        let claims: [(TokenClaims.Problem, [String: String?])] = [
            (.issuer, ["iss": #""https://evil.example.com""#]), (.issuer, ["iss": nil]),
            (.audience, ["aud": #""elsewhere""#]), (.audience, ["aud": nil]), (.audience, ["aud": "[]"]),
            (.incomplete, ["exp": nil]), (.incomplete, ["exp": #""later""#]), (.incomplete, ["exp": "1e30"]),
            (.expired, ["exp": "\(fixture.now - 60)"]), (.expired, ["exp": "0"]),
            (.notYet, ["nbf": "\(fixture.now + 61)"]), (.malformed, ["nbf": #""now""#]),
            (.incomplete, ["sub": nil]), (.incomplete, ["sub": "7"]), (.incomplete, ["sub": #""""#]),
        ]
        for (expected, changes) in claims {
            check(expected, try TokenFixture.token(Self.p256, "ES256", fixture.claims(changes)), "\(changes)")
        }
        for changes in [["aud": #"["x","other"]"#], ["exp": "\(fixture.now - 59)"], ["nbf": "\(fixture.now + 60).5"]] {
            let token = try TokenFixture.token(Self.p256, "ES256", fixture.claims(changes))
            #expect(Self.problem(verifier, token) == nil, "\(changes)")
        }
    }

    @Test("A token that was taken ends with its time")
    func ends() async throws {
        let fixture = TokenFixture()
        let verifier = try await fixture.verifier([Self.p256])
        let token = try TokenFixture.token(Self.p256, "ES256", fixture.claims())
        #expect(Self.problem(verifier, token) == nil)
        fixture.time.advance(by: .seconds(359))
        #expect(Self.problem(verifier, token) == nil)
        fixture.time.advance(by: .seconds(1))
        #expect(Self.problem(verifier, token) == .expired)
    }

    @Test("Keys that cannot be trusted are not taken from a set")
    func keySet() async throws {
        let rsa = TokenFixture.Key.rsa("r", try RSAKeys.long)
        let short = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1_024))
        let texts = [
            try Self.p256.json(), try Self.p256.json(#","use":"enc""#), try TokenFixture.Key.rsa("s", short).json(),
            #"{"kty":"oct","k":"AAAA"}"#, #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#, "{}",
        ]
        let set = await JSONWebKeySet(
            try JSONDocument(JSONText(#"{"keys":[\#(texts.joined(separator: ","))]}"#).bytes).root)
        #expect(set?.keys.count == 1)
        let none = await JSONWebKeySet(try JSONDocument(JSONText("{}").bytes).root)
        #expect(none == nil)
        let only = await JSONWebKeySet(
            try JSONDocument(JSONText(#"{"keys":[\#(try Self.p256.json(#","alg":"ES384""#))]}"#).bytes).root)
        #expect(only?.keys.isEmpty == true, "the key says that it is for what it cannot be")
        let bound = await JSONWebKeySet(
            try JSONDocument(JSONText(#"{"keys":[\#(try rsa.json(#","alg":"RS512""#))]}"#).bytes).root)
        for (algorithm, isRight) in [("RS256", false), ("RS512", true), ("PS512", false)] {
            let token = try #require(JSONWebToken(try TokenFixture.token(rsa, algorithm, "{}")))
            #expect(bound?.verifies(token) == isRight, "the key says what it is for")
        }
    }

    @Test("A token that nobody signed does not settle what a key is used for")
    func unsettled() async throws {
        let fixture = TokenFixture()
        let rsa = TokenFixture.Key.rsa("r", try RSAKeys.long)
        let verifier = try await fixture.verifier([rsa])
        let claims = fixture.claims()
        let good = try TokenFixture.token(rsa, "RS256", claims)
        let header = Base64URL.encode(Array(#"{"alg":"RS512","kid":"r"}"#.utf8))
        let forged = header + "." + Base64URL.encode(Array(claims.utf8)) + ".AAAA"
        #expect(Self.problem(verifier, forged) == .signature)
        #expect(Self.problem(verifier, good) == nil)
    }

    @Test("Keys are fetched again when they are old or a new one is named, never more often than every ten seconds")
    func rotation() async throws {
        let fixture = TokenFixture()
        let asked = Atomic(0)
        let texts = Mutex("")
        let (old, new) = (TokenFixture.Key.p256("1", .init()), TokenFixture.Key.p256("2", .init()))
        texts.withLock { $0 = (try? old.json()) ?? "" }
        let verifier = fixture.verifier { () throws(NeedletailError) in
            asked.add(1, ordering: .relaxed)
            let text = texts.withLock { $0 }
            if text.isEmpty { throw NeedletailError(.unreachable, "away") }
            return #"{"keys":[\#(text)]}"#
        }
        let claims = fixture.claims(["exp": "\(fixture.now + 100_000)"])
        let (first, second) = (
            try TokenFixture.token(old, "ES256", claims), try TokenFixture.token(new, "ES256", claims)
        )
        #expect(Self.problem(verifier, first) == .unknownKey, "before the first fetch")
        await verifier.prepare()
        #expect(Self.problem(verifier, first) == nil)
        texts.withLock { $0 = (try? new.json()) ?? "" }
        for _ in 0..<50 { #expect(Self.problem(verifier, second) == .unknownKey) }
        await verifier.refreshDue()
        #expect(asked.load(ordering: .relaxed) == 1, "too early")
        fixture.time.advance(by: .seconds(10))
        await verifier.refreshDue()
        #expect(asked.load(ordering: .relaxed) == 2 && Self.problem(verifier, second) == nil)
        #expect(Self.problem(verifier, first) == .unknownKey, "what is no longer shown opens nothing")
        fixture.time.advance(by: .seconds(10))
        await verifier.refreshDue()
        #expect(asked.load(ordering: .relaxed) == 3, "for the first token, which names a key that is not there")
        fixture.time.advance(by: .seconds(10))
        await verifier.refreshDue()
        #expect(asked.load(ordering: .relaxed) == 3, "nobody asks")
        texts.withLock { $0 = "" }
        fixture.time.advance(by: .seconds(300))
        await verifier.refreshDue()
        #expect(asked.load(ordering: .relaxed) == 4 && Self.problem(verifier, second) == nil, "those at hand hold")
    }

    @Test("Claims say who a client is, within what the configuration opens")
    func mapping() async throws {
        let fixture = TokenFixture { issuer in
            var clients = TokenIssuerConfiguration.Clients()
            clients.name = "email"
            clients.tenant = "https://x/org"
            clients.team = "groups.team"
            clients.tags = "scope"
            clients.models = "models"
            clients.grant.models = ["gpt-*", "small"]
            clients.grant.surfaces = [.openai]
            issuer.clients = clients
        }
        let verifier = try await fixture.verifier([Self.p256])
        func holder(_ changes: [String: String?]) throws -> AccessKey? {
            var all: [String: String?] = [
                "email": #""a@b.c""#, "https://x/org": #""blue""#, "groups": #"{"team":"red"}"#, "scope": #""one two""#,
                "models": #"["gpt-4o","claude"]"#,
            ]
            for (name, value) in changes { all[name] = value }
            return try verifier.holder(of: try TokenFixture.token(Self.p256, "ES256", fixture.claims(all))).client
        }
        let key = try holder([:])
        #expect(key?.name == "corp:a@b.c" && key?.grant.tenant == "blue" && key?.grant.team == "red")
        #expect(
            key?.grant.tags == ["one", "two"] && key?.grant.models == ["gpt-4o"] && key?.grant.surfaces == [.openai])
        #expect(try holder(["models": #""*""#])?.grant.models == ["gpt-*", "small"])
        #expect(try holder(["models": nil])?.grant.models == [])
        #expect(throws: TokenClaims.Problem.incomplete) { try holder(["https://x/org": nil]) }
        #expect(throws: TokenClaims.Problem.incomplete) { try holder(["email": #""a\nb""#]) }
    }

    @Test("On the admin listener a token has the mightiest of its roles, and without one none")
    func administrators() async throws {
        let fixture = TokenFixture { issuer in
            issuer.clients = nil
            issuer.administrators = .init(claim: "realm.roles", roles: ["ops": .operator, "boss": .admin])
        }
        let verifier = try await fixture.verifier([Self.p256])
        let access = AdminAccess(
            AdminConfiguration(), host: "127.0.0.1", tokens: verifier, time: fixture.time.source)
        func verdict(_ roles: String?, _ changes: [String: String?] = [:]) throws -> String {
            let claims = changes.merging(["realm": roles.map { #"{"roles":\#($0)}"# }]) { first, _ in first }
            let token = try TokenFixture.token(Self.p256, "ES256", fixture.claims(claims))
            switch access.check(adminHead(.GET, "/admin/v1/whoami", key: token), from: nil) {
            case .known(let caller): return "\(caller.name) \(caller.role)"
            case .refused(let error): return "\(error.status)"
            }
        }
        #expect(try verdict(#"["ops","boss"]"#) == "corp:ann admin")
        #expect(try verdict(#""ops""#, ["email": #""a@b.c""#]) == "corp:a@b.c operator")
        #expect(try verdict(#"["other"]"#) == "401" && verdict(nil) == "401")
        for _ in 0..<20 { #expect(try verdict(#""ops""#, ["exp": "5"]) == "401", "one that has ended is no guess") }
        #expect(try verdict(#""ops""#) == "corp:ann operator")
        switch access.check(adminHead(.GET, "/admin/v1/whoami"), from: nil) {
        case .known: Issue.record("nobody is asked who they are")
        case .refused(let error): #expect(error.status == 401)
        }
    }

    @Test("A gateway finds its issuer's keys, and takes tokens beside keys, and nothing else")
    func gateway() async throws {
        let key = Self.p256
        let set = #"{"keys":[\#(try key.json())]}"#
        let port = Atomic(0)
        let server = try await LoopbackServer(on: .singletonMultiThreadedEventLoopGroup) { request in
            let base = "http://127.0.0.1:\(port.load(ordering: .relaxed))"
            return request.hasPrefix("GET /.well-known/openid-configuration ")
                ? .init(type: "application/json", #"{"issuer":"\#(base)","jwks_uri":"\#(base)/jwks"}"#)
                : .init(type: "application/json", set)
        }
        port.store(server.port, ordering: .relaxed)
        let configuration = try Fixture.load(
            """
            listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0" }
            providers: { m: { type: mock } }
            jwt: [ { name: corp, issuer: "http://127.0.0.1:\(server.port)", audience: gateway, clients: { models: [a] } } ]
            """)
        let process = try GatewayProcess(
            configuration,
            .init(environment: [:], group: .singleton, logger: .init(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        await process.tokens.prepare()
        let tokens = try #require(process.tokens.current)
        let fixture = TokenFixture()
        let exp = "\(TimeSource.live.wallSeconds() + 300)"
        let claims = fixture.claims(["iss": #""http://127.0.0.1:\#(server.port)""#, "exp": exp])
        let access = TokenAccess(stored: nil, tokens: tokens)
        #expect(!access.isEmpty)
        #expect(access.find(try TokenFixture.token(key, "ES256", claims))?.grant.models == ["a"])
        #expect(access.find(try TokenFixture.token(Self.other, "ES256", claims)) == nil)
        #expect(access.find("nt-something") == nil && access.find("") == nil)
        await process.drain()
        await server.stop()
    }

    @Test(
        "An issuer that cannot be meant is a fault",
        arguments: [
            ("{ issuer: 'https://a.example', audience: x, clients: {} }", "this issuer has no 'name'"),
            ("{ name: a, audience: x, clients: {} }", "this issuer has no 'issuer'"),
            ("{ name: a, issuer: 'https://a.example', clients: {} }", "this issuer has no 'audience'"),
            ("{ name: a, issuer: 'https://a.example', audience: x }", "its tokens open nothing"),
            ("{ name: a, issuer: 'http://a.example', audience: x, clients: {} }", "would not come from where nobody"),
            (
                "{ name: a, issuer: 'x', audience: x, jwks_url: 'http://a.example/k', clients: {} }",
                "would not come from where nobody"
            ),
            (
                "{ name: a, issuer: 'https://a.example', audience: x, admin: { claim: r } }",
                "names no claim, or no role"
            ),
            (
                "{ name: a, issuer: 'https://a.example', audience: x, admin: { claim: r, roles: { x: king } } }",
                "has no value 'king'"
            ),
        ])
    func faults(_ issuer: String, _ expected: String) {
        let faults = Fixture.faults("providers: { m: { type: mock } }\njwt: [ \(issuer) ]")
        #expect(faults.contains { $0.contains(expected) }, "\(faults)")
    }
}
