import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailTesting
import Synchronization

/// The whole gateway on a loopback port; only the network to the upstream is scripted.
///
/// One server for all tests. A request's id says which upstream answers it.
final class Gateway: Sendable {
    private struct Stack: Provider {
        let id: ProviderID = "recordings"
        let gateway: Gateway

        func respond(
            to request: InferenceRequest,
            context: RequestContext
        ) async throws(NeedletailError) -> InferenceReply {
            guard let (provider, model) = self.gateway.upstreams.withLock({ $0[context.id] }) else {
                throw NeedletailError(.internalFailure, "No upstream for \(context.id).")
            }
            var request = request
            if let model { request.model = model }
            _ = context.request.countAttempt(limit: .max)
            let reply = try await provider.respond(to: request, context: context)
            let (gateway, id) = (self.gateway, context.id)
            reply.onEnd { outcome in gateway.outcomes.withLock { $0[id] = outcome } }
            return reply
        }
    }

    private static let starting = Task { try await Gateway.start() }
    private let upstreams = Mutex<[String: (any Provider, String?)]>([:])
    private let outcomes = Mutex<[String: Outcome]>([:])
    private let counter = Atomic<Int>(0)
    private let issuedState = IssuedStateTable(time: JumpingTime().source, random: .seeded(1))
    private let port = Atomic<Int>(0)

    /// The running gateway.
    static func running() async throws -> Gateway { try await self.starting.value }

    private static func start() async throws -> Gateway {
        let gateway = Gateway()
        let logger = Logger(label: "conformance", factory: { _ in SwiftLogNoOpLogHandler() })
        let time = JumpingTime().source
        let phase = ServingPhase()
        let handler = GatewayHandler(
            services: GatewayServices(stack: Stack(gateway: gateway), listModels: { _ in [] }),
            ids: RequestIDSource(NameGenerator("ids")),
            phase: phase,
            time: time,
            logger: logger
        )
        let server = EdgeServer(
            configuration: EdgeConfiguration(port: 0, tickInterval: nil),
            handler: handler,
            group: MultiThreadedEventLoopGroup.singleton,
            time: time,
            logger: logger,
            phase: phase
        )
        let address = try await server.start()
        gateway.port.store(address.port ?? 0, ordering: .sequentiallyConsistent)
        return gateway
    }

    /// Asks the gateway at `path`, with `transport` behind a provider of `spec`.
    func ask(
        _ body: Data,
        of spec: ProviderSpec,
        in upstream: DialectID? = nil,
        transport: FunctionTransport,
        model: String? = nil,
        headers: [String: String] = [:],
        path: String
    ) async throws -> ClientReply {
        let id = "case-\(self.counter.add(1, ordering: .relaxed).newValue)"
        let provider = HTTPProvider(
            id: "upstream",
            spec: spec,
            options: .init(
                basePath: "", keys: [(key: "test-key", weight: 1)], dialect: upstream, issuedState: self.issuedState,
                account: spec.type),
            transport: transport,
            time: JumpingTime().source
        )
        self.upstreams.withLock { $0[id] = (provider, model) }
        defer { self.upstreams.withLock { $0[id] = nil } }
        var head = "POST \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: \(id)\r\n"
        head += "content-type: application/json\r\ncontent-length: \(body.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        var request = ByteBuffer(string: head + "\r\n")
        request.writeBytes(body)
        var reply = ClientReply(try await self.exchange(request))
        // Known before the last byte was written.
        reply.outcome = self.outcomes.withLock { $0.removeValue(forKey: id) }
        return reply
    }

    /// Asks as a client of `dialect` would.
    func ask(
        _ body: Data,
        as dialect: DialectID,
        isStreaming: Bool,
        of spec: ProviderSpec,
        in upstream: DialectID? = nil,
        transport: FunctionTransport,
        clientModel: String = "m",
        model: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> ClientReply {
        try await self.ask(
            body, of: spec, in: upstream, transport: transport, model: model, headers: headers,
            path: dialect.judge.path(model: clientModel, isStreaming: isStreaming))
    }

    private func exchange(_ request: ByteBuffer) async throws -> ByteBuffer {
        let group = MultiThreadedEventLoopGroup.singleton
        let promise = group.next().makePromise(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: group)
            // No limit: the one event loop that accepts may be busy for long.
            .connectTimeout(.hours(1))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(promise))
                }
            }
            .connect(to: SocketAddress(ipAddress: "127.0.0.1", port: self.port.load(ordering: .sequentiallyConsistent)))
            .get()
        try await channel.writeAndFlush(request)
        return try await promise.futureResult.get()
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<ByteBuffer>
        private var bytes = ByteBuffer()

        init(_ promise: EventLoopPromise<ByteBuffer>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.bytes.writeImmutableBuffer(self.unwrapInboundIn(data))
        }

        func channelInactive(context: ChannelHandlerContext) { self.promise.succeed(self.bytes) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            self.promise.fail(error)
            context.close(promise: nil)
        }
    }
}

/// What a client reads from its socket.
struct ClientReply {
    var status = 0
    var headers: [String: String] = [:]
    var body = Data()
    /// What the gateway's accounting was told; `nil` if there was no reply.
    var outcome: Outcome?

    /// Takes a response apart; what is no proper HTTP leaves the status at 0.
    init(_ bytes: ByteBuffer) {
        let data = Data(bytes.readableBytesView)
        guard let gap = data.range(of: Data("\r\n\r\n".utf8)) else { return }
        let lines = String(decoding: data[..<gap.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            self.headers[line[..<colon].lowercased()] = value
        }
        let rest = data[gap.upperBound...]
        if self.headers["transfer-encoding"] == "chunked" {
            guard let body = Self.unchunk(rest) else { return }
            self.body = body
        } else {
            guard self.headers["content-length"].flatMap({ Int($0) }) == rest.count else { return }
            self.body = Data(rest)
        }
        self.status = lines.first.flatMap { Int($0.dropFirst(9).prefix(3)) } ?? 0
    }

    /// `nil` if the last chunk is missing.
    private static func unchunk(_ data: Data) -> Data? {
        var rest = data
        var body = Data()
        while let end = rest.range(of: Data("\r\n".utf8)) {
            guard let size = Int(String(decoding: rest[rest.startIndex..<end.lowerBound], as: UTF8.self), radix: 16)
            else { return nil }
            if size == 0 { return body }
            guard rest.distance(from: end.upperBound, to: rest.endIndex) >= size + 2 else { return nil }
            let stop = rest.index(end.upperBound, offsetBy: size)
            body.append(rest[end.upperBound..<stop])
            rest = rest[rest.index(stop, offsetBy: 2)...]
        }
        return nil
    }

    var json: [String: Any] { JSON.object(self.body) ?? [:] }
    var text: String { String(decoding: self.body, as: UTF8.self) }
    var error: [String: Any] { self.json["error"] as? [String: Any] ?? [:] }
}

extension DialectID {
    /// The `content-type` of its streams.
    var streamType: String {
        switch self {
        case .bedrockConverse: "application/vnd.amazon.eventstream"
        case .ollamaChat, .ollamaGenerate: "application/x-ndjson"
        default: "text/event-stream"
        }
    }
}

extension Recording {
    /// A transport that serves the recording.
    func transport(_ cut: Cut = .random) -> FunctionTransport {
        var fields = HTTPFields()
        let framing: [HTTPField.Name] = [.contentLength, .transferEncoding, .contentEncoding]
        for (name, value) in self.headers {
            if let name = HTTPField.Name(name), !framing.contains(name) { fields[name] = value }
        }
        if fields[.contentType] == nil {
            fields[.contentType] = self.isStream ? self.dialect?.streamType : "application/json"
        }
        let (status, headers, pieces) = (self.status, fields, self.pieces(cut))
        return FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(status: status, headers: headers, body: TransportBody(ScriptedBody(pieces)))
        }
    }
}
