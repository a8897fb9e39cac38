import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("Token servers")
struct TokenServerTests {
    private static let good = #"{"access_token":"at-1","token_type":"Bearer","expires_in":3599}"#

    private static func form(_ request: TransportRequest) -> [String: String] {
        var form: [String: String] = [:]
        for pair in String(buffer: request.body).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { String($0).removingPercents }
            form[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        return form
    }

    @Test("an application proves itself to Entra with its secret")
    func entra() async throws {
        let transport = FunctionTransport { _ in json(Self.good) }
        let time = JumpingTime()
        let server = TokenServer(
            transport: transport, path: EntraTokenSource.path(tenant: "t 1"), time: time.source)
        let source = EntraTokenSource(server, clientID: "c", clientSecret: "s&=+/ü", scope: "https://x/.default")
        let token = try await source.token(deadline: nil)
        #expect(token == AccessToken("at-1", expires: time.now.advanced(by: .seconds(3599))))
        let request = try #require(transport.requests.first)
        #expect(request.path == "/t%201/oauth2/v2.0/token" && request.method == .post)
        #expect(request.headers[.contentType] == "application/x-www-form-urlencoded")
        #expect(
            Self.form(request) == [
                "grant_type": "client_credentials", "client_id": "c", "client_secret": "s&=+/ü",
                "scope": "https://x/.default",
            ])
    }

    private struct EchoSigner: RS256Signer {
        func signature(of text: String) throws(NeedletailError) -> [UInt8] { [0xFB, 0xFF] + Array("!".utf8) }
    }

    @Test("a service account proves itself to Google with a signed assertion")
    func serviceAccount() async throws {
        let transport = FunctionTransport { _ in json(Self.good) }
        let credentials = try GoogleCredentials(
            file:
                #"{"type":"service_account","client_email":"a@p.iam","private_key":"PEM","private_key_id":"k1","project_id":"p","token_uri":"http://127.0.0.1:1/token"}"#
        )
        #expect(credentials.projectID == "p" && credentials.tokenURL == "http://127.0.0.1:1/token")
        guard case .serviceAccount(let account) = credentials else { Issue.record("no account"); return }
        let server = TokenServer(transport: transport, path: "/token", time: JumpingTime().source)
        let source = GoogleServiceAccountSource(server, account: account, signer: EchoSigner())
        #expect(try await source.token(deadline: nil).value == "at-1")
        let form = Self.form(try #require(transport.requests.first))
        #expect(form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer")
        let parts = try #require(form["assertion"]).split(separator: ".").map(String.init)
        #expect(parts.count == 3 && parts.allSatisfy { !$0.contains("=") })
        let header = String(decoding: try #require(Base64.decode(parts[0])), as: UTF8.self)
        #expect(header == #"{"alg":"RS256","typ":"JWT","kid":"k1"}"#)
        let claims = try JSONDocument(ByteBuffer(bytes: try #require(Base64.decode(parts[1])))).root
        #expect(claims["iss"]?.string == "a@p.iam" && claims["aud"]?.string == "http://127.0.0.1:1/token")
        #expect(claims["scope"]?.string == "https://www.googleapis.com/auth/cloud-platform")
        #expect(claims["iat"]?.int == 1_700_000_000 && claims["exp"]?.int == 1_700_003_600)
        #expect(parts[2] == "-_8h")
    }

    @Test("a stored consent and the metadata server give tokens too")
    func others() async throws {
        let transport = FunctionTransport { _ in json(#"{"access_token":"at-2","expires_in":"60"}"#) }
        let time = JumpingTime()
        let server = TokenServer(transport: transport, path: "/token", time: time.source)
        let credentials = try GoogleCredentials(
            file: #"{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}"#)
        #expect(credentials == .authorizedUser(clientID: "c", clientSecret: "s", refreshToken: "r"))
        _ = try await GoogleRefreshSource(server, clientID: "c", clientSecret: "s", refreshToken: "r")
            .token(deadline: nil)
        #expect(
            Self.form(try #require(transport.requests.first)) == [
                "grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r",
            ])
        let token = try await GoogleMetadataSource(server).token(deadline: nil)
        #expect(token == AccessToken("at-2", expires: time.now.advanced(by: .seconds(60))))
        let asked = try #require(transport.requests.last)
        #expect(asked.method == .get && asked.headers[HTTPField.Name("metadata-flavor") ?? .accept] == "Google")
    }

    @Test(
        "what a file lacks is said, and what it holds is not",
        arguments: [
            "", "[]", #"{"type":"service_account","private_key":"sk-secret-thing"}"#, #"{"type":"external_account"}"#,
            #"{"client_email":"sk-secret-thing"}"#, #"{"type":"authorized_user","client_id":"sk-secret-thing"}"#,
        ])
    func badFile(text: String) {
        let error = #expect(throws: NeedletailError.self) { try GoogleCredentials(file: text) }
        #expect(error?.code == .credentialRejected)
        #expect(error?.message.contains("sk-secret") == false)
    }

    @Test(
        "a refusal means bad credentials, a failure of the server does not, and no answer is no token",
        arguments: [
            (400, #"{"error":"invalid_grant","error_description":"Bad sk-abcdefghij"}"#, .credentialRejected),
            (401, #"{"error":"invalid_client"}"#, .credentialRejected),
            (404, "metadata is concealed", .credentialRejected),
            (500, "", .unreachable), (503, "x", .unreachable), (429, "{}", .unreachable),
            (200, "{}", .malformedReply), (200, "<html>", .malformedReply),
            (200, #"{"access_token":"a b"}"#, .malformedReply), (200, #"{"access_token":""}"#, .malformedReply),
        ] as [(Int, String, NeedletailError.Code)])
    func failures(status: Int, body: String, code: NeedletailError.Code) async throws {
        let transport = FunctionTransport { _ in json(body, status: status) }
        let server = TokenServer(transport: transport, path: "/", time: JumpingTime().source)
        let error = await #expect(throws: NeedletailError.self) { try await server.post([("a", "b")], deadline: nil) }
        #expect(error?.code == code)
        #expect(error?.message.contains("abcdefghij") == false)
        #expect("\(String(describing: error?.cause))".contains("abcdefghij") == false)
    }
}

extension String {
    /// The text of a form's value.
    fileprivate var removingPercents: String {
        var bytes: [UInt8] = []
        var rest = self.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
