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

/// Bedrock from the configuration to the wire: a loopback server plays Bedrock and the container's credentials.
@Suite("Who the gateway is for Amazon", .serialized)
struct BedrockIdentityTests {
    private static let group = MultiThreadedEventLoopGroup.singleton
    private static let converse =
        #"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}"#
    private static let message =
        #"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#

    private static func server() async throws -> LoopbackServer {
        try await LoopbackServer(on: Self.group) { request in
            let reply =
                if request.hasPrefix("GET /role ") {
                    #"{"AccessKeyId":"ASIAROLE","SecretAccessKey":"rolekey","Token":"roletoken","Expiration":"2099-01-01T00:00:00Z"}"#
                } else if request.contains("/invoke ") {
                    Self.message
                } else if request.contains("/count-tokens ") {
                    #"{"inputTokens":7}"#
                } else {
                    Self.converse
                }
            return .init(type: "application/json", reply)
        }
    }

    private static func stack(_ text: String, _ environment: [String: String] = [:]) throws -> GatewayStack {
        // Nothing of the machine that the tests run on counts.
        let nowhere = ["AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere"]
        let environment = environment.merging(nowhere) { $1 }
        let loader = ConfigurationLoader(types: .version, environment: environment)
        return try GatewayStack(
            try loader.load(text: text, named: "f.yaml"), environment: environment, group: Self.group, time: .live,
            random: .seeded(1), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private static func ask(
        _ stack: GatewayStack, _ model: String, as dialect: DialectID = .openAIChat,
        _ operation: NeedletailCore.Operation = .chat
    ) async throws {
        let body = #"{"model":"\#(model)","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#
        _ = try await stack.provider.respond(
            to: try RequestPeek.read(ByteBuffer(string: body), dialect: dialect, operation: operation),
            context: .testing())
    }

    private static func header(_ request: String, _ name: String) -> String? {
        request.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }
            .map { $0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces) }
    }

    private static func yaml(_ server: LoopbackServer, _ more: String = "") -> String {
        "providers: { b: { type: bedrock, base_url: '\(server.url)'\(more) } }"
    }

    private static let claude = "b/us.anthropic.claude-sonnet-4-5-20250929-v1:0"

    @Test("keys of the environment sign the host that the transport writes and the path as it is sent")
    func keys() async throws {
        let server = try await Self.server()
        let stack = try Self.stack(
            Self.yaml(server),
            ["AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"])
        try await Self.ask(stack, Self.claude)
        let request = try #require(server.requests.first)
        #expect(
            request.hasPrefix("POST /model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse HTTP/1.1\r\n"))
        let signed = try #require(Self.header(request, "authorization"))
        let time = try #require(Self.header(request, "x-amz-date"))
        #expect(
            signed.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIA/\(time.prefix(8))/eu-west-1/bedrock/aws4_request, "
                    + "SignedHeaders=content-type;host;x-amz-date, Signature="))
        #expect(Self.header(request, "host") == String(server.url.dropFirst("http://".count)))
    }

    @Test("a key of Bedrock's own is sent as it is")
    func bearer() async throws {
        let server = try await Self.server()
        let stack = try Self.stack(
            Self.yaml(server), ["AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": "bedrock-key"])
        try await Self.ask(stack, Self.claude)
        #expect(Self.header(try #require(server.requests.first), "authorization") == "Bearer bedrock-key")
    }

    @Test("the role of a container is asked once, and its session goes along")
    func container() async throws {
        let server = try await Self.server()
        let stack = try Self.stack(
            Self.yaml(server, ", settings: { region: us-east-1 }"),
            [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(server.url)/role",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": "mine", "AWS_EC2_METADATA_DISABLED": "true",
            ])
        try await Self.ask(stack, Self.claude)
        try await Self.ask(stack, Self.claude)
        #expect(server.requests.count == 3)
        #expect(Self.header(server.requests[0], "authorization") == "mine")
        for request in server.requests.dropFirst() {
            #expect(Self.header(request, "authorization")?.contains("Credential=ASIAROLE/") == true)
            #expect(Self.header(request, "x-amz-security-token") == "roletoken")
        }
    }

    @Test("with nothing to sign with, nothing is sent")
    func nobody() async throws {
        let server = try await Self.server()
        let stack = try Self.stack(
            Self.yaml(server, ", settings: { region: us-east-1 }, retry: { max_attempts: 1 }"),
            ["AWS_EC2_METADATA_DISABLED": "true"])
        let error = await #expect(throws: NeedletailError.self) { try await Self.ask(stack, Self.claude) }
        #expect(error?.code == .credentialRejected)
        #expect(server.requests.isEmpty)
    }

    @Test("a client of Anthropic's dialect goes through to Claude, without what the path says; others are translated")
    func invoke() async throws {
        let server = try await Self.server()
        let stack = try Self.stack(Self.yaml(server), ["AWS_REGION": "x", "AWS_BEARER_TOKEN_BEDROCK": "k"])
        try await Self.ask(stack, Self.claude, as: .anthropicMessages)
        try await Self.ask(stack, "b/amazon.nova-micro-v1:0", as: .anthropicMessages)
        try await Self.ask(stack, Self.claude, as: .anthropicMessages, .countTokens)
        let paths = server.requests.map { $0.split(separator: " ")[1] }
        #expect(
            paths == [
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
                "/model/amazon.nova-micro-v1%3A0/converse",
                "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens",
            ])
        #expect(
            server.requests[0].components(separatedBy: "\r\n\r\n").last
                == #"{"max_tokens":9,"messages":[{"role":"user","content":"hi"}],"anthropic_version":"bedrock-2023-05-31"}"#
        )
    }

    @Test("a region is needed, and said so")
    func region() {
        let error = #expect(throws: (any Error).self) { try Self.stack("providers: { b: { type: bedrock } }") }
        #expect(String(describing: error as Any).contains("region"))
    }
}
