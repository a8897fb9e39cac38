import NIOCore
import NIOHTTP1
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("What a key may be used for, and from where")
struct KeyUseTests {
    private static func head(
        _ path: String, _ headers: [(String, String)] = [], method: HTTPMethod = .POST
    ) -> HTTPRequestHead {
        HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: HTTPHeaders(headers))
    }

    private static func isAllowed(
        _ grant: KeyGrant, _ head: HTTPRequestHead, from peer: String? = "192.0.2.1", behind proxies: [String] = []
    ) -> Bool {
        let address = peer.flatMap { try? SocketAddress(ipAddress: $0, port: 1) }
        return KeyUse.refusal(of: grant, head, from: address, behind: proxies.compactMap { ClientNetwork($0) }) == nil
    }

    private static let paths: [(ClientSurface, String)] = [
        (.openai, "/v1/chat/completions"), (.openai, "/v1/responses"), (.openai, "/v1/embeddings"),
        (.openai, "/v1/models"), (.openai, "/v1/responses/resp_1"), (.anthropic, "/v1/messages"),
        (.anthropic, "/v1/messages/count_tokens"), (.gemini, "/v1beta/models/m:generateContent"),
        (.gemini, "/v1/models/m:generateContent"), (.azure, "/openai/deployments/m/chat/completions"),
        (.bedrock, "/model/m/converse"), (.ollama, "/api/chat"), (.ollama, "/api/tags"), (.cohere, "/v2/chat"),
    ]

    @Test("a key for one surface opens its paths and no other", arguments: ClientSurface.allCases)
    func surfaces(_ surface: ClientSurface) {
        var grant = KeyGrant()
        grant.surfaces = [surface]
        for (belongs, path) in Self.paths {
            #expect(Self.isAllowed(grant, Self.head(path)) == (belongs == surface), "\(path)")
        }
        grant.surfaces = []
        #expect(Self.paths.allSatisfy { !Self.isAllowed(grant, Self.head($0.1)) })
        grant.surfaces = nil
        #expect(Self.paths.allSatisfy { Self.isAllowed(grant, Self.head($0.1)) })
    }

    @Test(
        "a key for some networks opens nothing from elsewhere, whatever a client says of itself",
        arguments: [
            ("10.1.2.3", "", [], true), ("11.1.2.3", "", [], false), ("11.1.2.3", "10.0.0.1", [], false),
            ("::ffff:10.1.2.3", "", [], true), ("2001:db8::5", "", [], true), ("fe80::1%lo", "", [], false),
            ("192.0.2.1", "10.0.0.1", ["192.0.2.0/24"], true), ("192.0.2.1", "11.0.0.1", ["192.0.2.0/24"], false),
            ("192.0.2.1", "10.0.0.1, 11.0.0.1", ["192.0.2.0/24"], false),
            ("192.0.2.1", "11.0.0.1, 10.0.0.1", ["192.0.2.0/24"], true),
            ("192.0.2.1", "10.0.0.1, 192.0.2.9", ["192.0.2.0/24"], true),
            ("192.0.2.1", "10.0.0.1:5000", ["192.0.2.0/24"], true),
            ("192.0.2.1", "[2001:db8::1]:5000", ["192.0.2.0/24"], true),
            ("192.0.2.1", "unknown", ["192.0.2.0/24"], false), ("192.0.2.1", "", ["192.0.2.0/24"], false),
        ] as [(String, String, [String], Bool)])
    func networks(_ peer: String, _ forwarded: String, _ proxies: [String], _ expected: Bool) throws {
        var grant = KeyGrant()
        grant.networks = [try #require(ClientNetwork("10.0.0.0/8")), try #require(ClientNetwork("2001:db8::/32"))]
        let headers = forwarded.isEmpty ? [] : [("x-forwarded-for", forwarded)]
        let head = Self.head("/v1/messages", headers)
        #expect(Self.isAllowed(grant, head, from: peer, behind: proxies) == expected)
        #expect(!Self.isAllowed(grant, head, from: nil), "who is not known is nowhere")
    }

    @Test(
        "a key that may not be used here gets 403 in its dialect", arguments: ["/v1/chat/completions", "/v1/messages"])
    func refused(_ path: String) async throws {
        var grant = KeyGrant()
        grant.surfaces = [.gemini]
        try await withGateway(access: AccessTable([AccessKey(name: "dev", secret: "s3", grant: grant)])) { ask, _ in
            let reply = try await ask(post(path, "authorization: bearer s3\r\n"))
            #expect(reply.status == 403)
            #expect(reply.body.contains("permission_error") && reply.body.contains("surface"))
        }
    }
}
