import CryptoExtras
import Foundation
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailTesting
import Testing

@testable import NeedletailControl

/// Providers that have no key of their own, from the configuration to the wire: a loopback server gives out tokens and
/// plays the upstream.
@Suite("Cloud identities", .serialized)
struct CloudIdentityTests {
    private static let group = MultiThreadedEventLoopGroup.singleton
    private static let okReply =
        #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#
    private static let okMessage =
        #"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#

    private static func server(token: String = "at-1", reply: String) async throws -> LoopbackServer {
        try await LoopbackServer(on: Self.group) { request in
            let isToken =
                request.hasPrefix("POST /token ") || request.contains("/oauth2/v2.0/token ")
                || request.hasPrefix("GET /computeMetadata/")
            return .init(
                type: "application/json",
                isToken ? #"{"access_token":"\#(token)","expires_in":3600,"token_type":"Bearer"}"# : reply)
        }
    }

    private static func stack(_ text: String, environment: [String: String] = [:]) throws -> GatewayStack {
        let loader = ConfigurationLoader(types: .version, environment: environment)
        return try GatewayStack(
            try loader.load(text: text, named: "f.yaml"), environment: environment, group: Self.group, time: .live,
            random: .seeded(1), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private static func ask(_ stack: GatewayStack, _ model: String) async throws {
        let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"hi"}]}"#
        _ = try await stack.provider.respond(
            to: try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .chat),
            context: .testing())
    }

    private static func header(_ request: String, _ name: String) -> String? {
        request.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }
            .map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) }
    }

    @Test("a service account's key signs for a token, which its requests then carry; the file has the project too")
    func serviceAccount() async throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let server = try await Self.server(reply: Self.okMessage)
        let file = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let content = [
            "type": "service_account", "client_email": "a@p.iam", "private_key": key.pemRepresentation,
            "private_key_id": "k1", "project_id": "p1", "token_uri": "\(server.url)/token",
        ]
        try JSONEncoder().encode(content).write(to: file)
        let stack = try Self.stack(
            "providers: { v: { type: vertex, base_url: '\(server.url)', settings: { location: us-east5 } } }",
            environment: ["GOOGLE_APPLICATION_CREDENTIALS": file.path()])
        try await Self.ask(stack, "v/claude-x")
        try await Self.ask(stack, "v/claude-x")
        let requests = server.requests
        #expect(requests.count == 3)
        for request in requests.dropFirst() {
            #expect(
                request.hasPrefix(
                    "POST /v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-x:rawPredict "))
            #expect(Self.header(request, "authorization") == "Bearer at-1")
        }
        let form = try #require(requests.first?.components(separatedBy: "\r\n\r\n").last)
        let assertion = try #require(form.components(separatedBy: "assertion=").last)
        let parts = assertion.split(separator: ".").map(String.init)
        try #require(parts.count == 3)
        var signature = parts[2].replacing("-", with: "+").replacing("_", with: "/")
        while !signature.count.isMultiple(of: 4) { signature += "=" }
        let isValid = key.publicKey.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: try #require(Data(base64Encoded: signature))),
            for: Data("\(parts[0]).\(parts[1])".utf8), padding: .insecurePKCS1v1_5)
        #expect(isValid)
        await stack.shutdown()
        await server.stop()
    }

    @Test("a machine of the cloud gets its token from the metadata server")
    func metadata() async throws {
        let server = try await Self.server(token: "at-2", reply: Self.okMessage)
        let stack = try Self.stack(
            "providers: { v: { type: vertex, base_url: '\(server.url)', settings: { project: p } } }",
            environment: ["GCE_METADATA_HOST": "127.0.0.1:\(server.port)"])
        try await Self.ask(stack, "v/claude-x")
        let requests = server.requests
        #expect(requests.first?.hasPrefix("GET /computeMetadata/v1/instance/service-accounts/default/token ") == true)
        #expect(requests.first.flatMap { Self.header($0, "metadata-flavor") } == "Google")
        #expect(requests.last.flatMap { Self.header($0, "authorization") } == "Bearer at-2")
        await stack.shutdown()
        await server.stop()
    }

    @Test("an application on Azure gets its token from Entra; one that has a key, or a token, does not ask")
    func azure() async throws {
        let server = try await Self.server(token: "at-3", reply: Self.okReply)
        let stack = try Self.stack(
            """
            providers:
              a:
                type: azure
                base_url: '\(server.url)'
                settings: { tenant_id: t, client_id: c, client_secret: { env: S }, authority: '\(server.url)/' }
              b: { type: azure, base_url: '\(server.url)', api_key: { env: K } }
              c: { type: azure, base_url: '\(server.url)', settings: { access_token: { env: K } } }
            """, environment: ["S": "shh", "K": "own"])
        for provider in ["a", "b", "c"] { try await Self.ask(stack, "\(provider)/gpt") }
        let requests = server.requests
        #expect(requests.count == 4)
        #expect(requests[0].hasPrefix("POST /t/oauth2/v2.0/token ") && requests[0].contains("client_secret=shh"))
        #expect(
            Self.header(requests[1], "authorization") == "Bearer at-3" && Self.header(requests[1], "api-key") == nil)
        #expect(Self.header(requests[2], "api-key") == "own" && Self.header(requests[2], "authorization") == nil)
        #expect(Self.header(requests[3], "authorization") == "Bearer own")
        await stack.shutdown()
        await server.stop()
    }

    @Test("a refused credential is the operator's affair: the client hears neither who nor what")
    func refused() async throws {
        let server = try await LoopbackServer(on: Self.group) { _ in
            .init(
                status: 401, type: "application/json",
                #"{"error":"invalid_client","error_description":"AADSTS7000215: bad secret"}"#)
        }
        let stack = try Self.stack(
            "providers: { a: { type: azure, base_url: '\(server.url)', settings: { tenant_id: t, client_id: c, client_secret: { env: S }, authority: '\(server.url)' } } }",
            environment: ["S": "shh"])
        let error = await #expect(throws: NeedletailError.self) { try await Self.ask(stack, "a/gpt") }
        #expect(error?.code == .credentialRejected && error?.provider == "a")
        #expect(error?.message.contains("AADSTS") == false)
        #expect(error?.cause.map { "\($0)" }?.contains("AADSTS7000215") == true)
        await stack.shutdown()
        await server.stop()
    }

    @Test(
        "credentials that cannot be used stop the start, without what they hold",
        arguments: ["{", #"{"type":"service_account","client_email":"a","private_key":"not a key"}"#, #"{"type":"x"}"#])
    func badFile(text: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        let error = #expect(throws: NeedletailError.self) {
            try Self.stack(
                "providers: { v: { type: vertex, settings: { project: p, credentials: '\(file.path())' } } }")
        }
        #expect(error?.code == .credentialRejected && error?.message.contains("not a key") == false)
    }
}
