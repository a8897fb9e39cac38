import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NeedletailCore
import Synchronization

@testable import NeedletailGateway

/// The stack of the tests: one closure.
struct ScriptedProvider: Provider {
    let id: ProviderID = "scripted"
    var answer: @Sendable (InferenceRequest, RequestContext) async throws(NeedletailError) -> InferenceReply

    func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        try await self.answer(request, context)
    }
}

/// A whole reply of `text`.
func wholeReply(_ text: String, headers: HTTPFields = [:], losses: [Loss] = []) -> InferenceReply {
    let body = WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: text))
    return InferenceReply(provider: "one", model: "m-1", headers: headers, losses: losses, body: .complete(body, nil))
}

/// A stream whose chunks a closure gives.
final class ScriptedReader: ReplyReader {
    private let step: @Sendable () async throws(NeedletailError) -> ByteBuffer?
    init(_ step: @escaping @Sendable () async throws(NeedletailError) -> ByteBuffer?) { self.step = step }
    func next() async throws(NeedletailError) -> ByteBuffer? { try await self.step() }
}

/// A generator that counts.
struct CountingGenerator: RandomNumberGenerator {
    var value: UInt64 = 0
    mutating func next() -> UInt64 {
        self.value += 1
        return self.value
    }
}

/// Reads nothing of the body but whether it is empty.
let lenientPeek: GatewayServices.Peek = { (body, dialect, operation) throws(NeedletailError) in
    guard body.readableBytes > 0 else { throw NeedletailError(.invalidRequest, "The body is empty.") }
    return InferenceRequest(
        operation: operation,
        model: "m",
        body: .wire(WireBody(dialect: dialect, bytes: body), BodyLandmarks()),
        replyDialect: dialect
    )
}

/// Runs `body` against a gateway whose stack is `answer`.
func withGateway(
    access: AccessTable = AccessTable(),
    routingHeaders: [HTTPField.Name] = [],
    models: [ListedModel] = [],
    phase: ServingPhase = ServingPhase(),
    time: ManualTime = ManualTime(),
    peek: @escaping GatewayServices.Peek = lenientPeek,
    answer: @escaping @Sendable (InferenceRequest, RequestContext) async throws(NeedletailError) -> InferenceReply = {
        (_, _) throws(NeedletailError) in wholeReply("{}")
    },
    _ body: (_ ask: (String) async throws -> Answer, Int) async throws -> Void
) async throws {
    let services = GatewayServices(
        stack: ScriptedProvider(answer: answer),
        listModels: { allowed in models.filter { model in allowed?.contains(model.id) ?? true } },
        access: access,
        routingHeaders: routingHeaders,
        peek: peek
    )
    let handler = GatewayHandler(
        services: services,
        ids: RequestIDSource(CountingGenerator()),
        phase: phase,
        time: time.source,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    )
    try await withServer(handler, time: time) { _, port in
        try await body(
            { request in
                let client = try await RawClient.connect(port)
                try await client.send(request)
                return Answer(await client.all())
            }, port)
    }
}

/// A request that ends its connection.
func post(_ path: String, _ headers: String = "", body: String = "{}") -> String {
    "POST \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
}

func get(_ path: String, _ headers: String = "", method: String = "GET") -> String {
    "\(method) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\(headers)\r\n"
}

/// A response taken apart.
struct Answer {
    let status: Int
    let headers: [String: String]
    let body: String

    init(_ text: String) {
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = (parts.first ?? "").split(separator: "\r\n")
        self.status = lines.first.flatMap { Int($0.dropFirst(9).prefix(3)) } ?? 0
        self.headers = Dictionary(
            lines.dropFirst().map { line in
                let pair = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                return (pair[0].lowercased(), pair.count > 1 ? String(pair[1].drop { $0 == " " }) : "")
            }
        ) { "\($0), \($1)" }
        self.body = parts.count > 1 ? String(parts[1]) : ""
    }
}
