import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailTesting
import Testing

@testable import NeedletailControl

/// What one tenant leaves at the gateway, and another asks for.
@Suite("Isolation of tenants", .timeLimit(.minutes(5)))
struct IsolationTests {
    private static func stack() throws -> GatewayStack {
        try GatewayStack(
            try Fixture.load(
                "providers: { m: { type: mock, delay: 0s } }\ncache: true\ntenants: { blue: { limits: { rpm: 3 } } }"),
            environment: [:], group: .singletonMultiThreadedEventLoopGroup, time: JumpingTime().source,
            random: .seeded(1), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func ask(
        _ stack: GatewayStack, _ dialect: DialectID, _ body: String, key: String?, tenant: String?
    ) async throws -> InferenceReply {
        try await stack.provider.respond(
            to: try RequestPeek.read(ByteBuffer(string: body), dialect: dialect, operation: .chat),
            context: .testing(keyName: key, tenant: tenant))
    }

    private static func text(_ reply: InferenceReply) async throws -> JSONView {
        guard case .complete(let body, _) = reply.body else { throw NeedletailError(.internalFailure, "streamed") }
        return try JSONDocument(body.bytes).root
    }

    private static let strangers: [(String?, String?)] = [
        ("dev", "red"), ("dev", nil), ("other", "blue"), (nil, nil), ("blue/dev", nil), (nil, "blue"),
    ]

    @Test("a stored response is its key's own: another key's, another tenant's with the same name, are 404")
    func responses() async throws {
        let stack = try Self.stack()
        let first = try await Self.text(
            try await Self.ask(
                stack, .openAIResponses, #"{"model":"a","input":"hi","store":true}"#, key: "dev", tenant: "blue"))
        let id = try #require(first["id"]?.string)
        func retrieve(_ operation: NeedletailCore.Operation, _ key: String?, _ tenant: String?) async throws {
            let request = InferenceRequest(
                operation: operation, model: id,
                body: .wire(WireBody(dialect: .openAIResponses, bytes: ByteBuffer(string: id)), .init()),
                replyDialect: .openAIResponses)
            _ = try await stack.provider.respond(to: request, context: .testing(keyName: key, tenant: tenant))
        }
        for (key, tenant) in Self.strangers where key != nil {
            for operation in [NeedletailCore.Operation.retrieveResponse, .deleteResponse, .listInputItems] {
                await #expect(throws: NeedletailError.self, "\(key ?? "") \(tenant ?? "")") {
                    try await retrieve(operation, key, tenant)
                }
            }
            await #expect(throws: NeedletailError.self) {
                try await Self.ask(
                    stack, .openAIResponses, #"{"model":"a","input":"hi","previous_response_id":"\#(id)"}"#, key: key,
                    tenant: tenant)
            }
        }
        try await retrieve(.retrieveResponse, "dev", "blue")
    }

    @Test("a cached reply is its tenant's own")
    func cache() async throws {
        let stack = try Self.stack()
        let body = #"{"model":"a","messages":[{"role":"user","content":"hi"}],"temperature":0}"#
        func status(_ key: String?, _ tenant: String?) async throws -> CacheStatus? {
            try await Self.ask(stack, .openAIChat, body, key: key, tenant: tenant).cacheStatus
        }
        let first = try await status("dev", "blue")
        #expect(first == .miss)
        for (key, tenant) in Self.strangers where tenant != "blue" {
            let foreign = try await status(key, tenant)
            #expect(foreign == .miss, "\(key ?? "") \(tenant ?? "")")
        }
        let again = try await status("other", "blue")
        #expect(again == .hit(age: 0))
    }

    @Test("a tenant's limit holds for keys made at run time, and for no other tenant")
    func limits() async throws {
        let stack = try Self.stack()
        func isServed(_ tenant: String?, _ number: Int) async -> Bool {
            let body = #"{"model":"a","messages":[{"role":"user","content":"\#(number)"}]}"#
            return (try? await Self.ask(stack, .openAIChat, body, key: "made-\(number)", tenant: tenant)) != nil
        }
        var served: [Bool] = []
        for number in 0..<5 { served.append(await isServed("blue", number)) }
        #expect(served == [true, true, true, false, false])
        let others = await [isServed("red", 6), isServed(nil, 7)]
        #expect(others == [true, true])
    }
}
