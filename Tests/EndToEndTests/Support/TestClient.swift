import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/1.1 client on one connection that sends what a test writes and takes answers apart.
final class TestClient: Sendable {
    /// One answer.
    struct Reply: Sendable {
        var status = 0
        var headers: [String: String] = [:]
        var body = ""
        /// Whether the message ended as its framing says, and not with the connection.
        var isWhole = false
    }

    private struct State {
        var received: [UInt8] = []
        var isOver = false
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let client: TestClient
        init(_ client: TestClient) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = self.unwrapInboundIn(data)
            self.client.state.change { $0.received += bytes.readableBytesView }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.client.state.change { $0.isOver = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let state = Watched(State())
    private let channel = Mutex<(any Channel)?>(nil)

    /// - Parameters:
    ///   - reads: Whether it reads by itself; without, everything stays in the sockets' buffers.
    ///   - tls: Whom it trusts, if it speaks TLS.
    static func connect(
        _ port: Int, host: String = "127.0.0.1", reads: Bool = true, tls: NIOSSLContext? = nil
    ) async throws -> TestClient {
        let client = TestClient()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // A machine with much to do may take longer than the default of ten seconds; suites have limits.
            .connectTimeout(.hours(1))
            .channelOption(.autoRead, value: reads)
        if !reads { bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: 16 << 10) }
        let channel =
            try await bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
                    }
                    try channel.pipeline.syncOperations.addHandler(Collector(client))
                }
            }
            // An address, since a name waits for Dispatch's threads, which busy tests leave no core.
            .connect(to: SocketAddress(ipAddress: host, port: port)).get()
        client.channel.withLock { $0 = channel }
        return client
    }

    func send(_ text: String) async throws { try await self.send(ByteBuffer(string: text)) }

    func send(_ bytes: ByteBuffer) async throws {
        guard let channel = self.channel.withLock({ $0 }) else { return }
        try await channel.writeAndFlush(bytes)
    }

    /// Sends a request and reads its answer.
    func ask(_ method: String, _ path: String, _ headers: [String] = [], body: String? = nil) async throws -> Reply {
        var text = "\(method) \(path) HTTP/1.1\r\nhost: localhost\r\n"
        for header in headers { text += header + "\r\n" }
        if let body { text += "content-length: \(body.utf8.count)\r\n" }
        try await self.send(text + "\r\n" + (body ?? ""))
        return await self.reply()
    }

    func post(_ path: String, _ body: String, _ headers: [String] = []) async throws -> Reply {
        try await self.ask("POST", path, ["content-type: application/json"] + headers, body: body)
    }

    /// The next answer; interim ones are passed over.
    func reply() async -> Reply {
        while true {
            let (reply, isOver, count) = self.state.withLock { state -> (Reply?, Bool, Int) in
                while let (reply, length) = Self.parse(state.received, isOver: state.isOver) {
                    state.received.removeFirst(length)
                    if reply.status >= 200 || reply.status == 0 { return (reply, state.isOver, state.received.count) }
                }
                return (nil, state.isOver, state.received.count)
            }
            if let reply { return reply }
            if isOver { return Reply() }
            await self.more(than: count)
        }
    }

    /// Waits until what has come holds `text`, or the connection is over; takes nothing.
    @discardableResult
    func wait(for text: String) async -> String {
        while true {
            let (received, isOver) = self.state.withLock { ($0.received, $0.isOver) }
            let all = String(decoding: received, as: UTF8.self)
            if isOver || all.contains(text) { return all }
            await self.more(than: received.count)
        }
    }

    /// Waits for the server to close.
    func untilClosed() async {
        while !self.isClosed { await self.more(than: self.state.withLock { $0.received.count }) }
    }

    var isClosed: Bool { self.state.withLock { $0.isOver } }

    func startReading() {
        guard let channel = self.channel.withLock({ $0 }) else { return }
        channel.setOption(.autoRead, value: true).whenSuccess { channel.read() }
    }

    func close() { self.channel.withLock { $0 }?.close(promise: nil) }

    /// Says that nothing more will be sent.
    func finishSending() { self.channel.withLock { $0 }?.close(mode: .output, promise: nil) }

    /// Lets go of the connection below TLS, without a goodbye.
    ///
    /// - Parameter resets: Whether what has not been read or sent is thrown away (`RST`).
    func cut(resets: Bool) { self.channel.withLock { $0 }?.cut(resets: resets) }

    /// Waits for more; a test whose time is over hears of an end.
    private func more(than count: Int) async {
        await self.state.wait { $0.received.count != count || $0.isOver }
        if Task.isCancelled { self.state.change { $0.isOver = true } }
    }

    // MARK: Parsing

    /// The first answer in `bytes` and its length, or `nil` while it is not whole.
    private static func parse(_ bytes: [UInt8], isOver: Bool) -> (Reply, Int)? {
        guard let headEnd = Self.find("\r\n\r\n", in: bytes, from: 0) else { return nil }
        var reply = Reply()
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).components(by: "\r\n")
        reply.status = Int(lines[0].dropFirst(9).prefix(3)) ?? 0
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            reply.headers[pair[0].lowercased()] = pair.count > 1 ? String(pair[1].drop { $0 == " " }) : ""
        }
        let start = headEnd + 4
        if reply.status < 200 || reply.status == 204 { return (Self.whole(reply), start) }
        if let length = reply.headers["content-length"].flatMap({ Int($0) }) {
            guard bytes.count >= start + length || isOver else { return nil }
            let end = min(bytes.count, start + length)
            reply.body = String(decoding: bytes[start..<end], as: UTF8.self)
            reply.isWhole = end == start + length
            return (reply, end)
        }
        guard reply.headers["transfer-encoding"] == "chunked" else {
            guard isOver else { return nil }
            reply.body = String(decoding: bytes[start...], as: UTF8.self)
            return (reply, bytes.count)
        }
        var body: [UInt8] = []
        var index = start
        while let lineEnd = Self.find("\r\n", in: bytes, from: index) {
            guard let size = Int(String(decoding: bytes[index..<lineEnd], as: UTF8.self), radix: 16),
                bytes.count >= lineEnd + 2 + size + 2
            else { break }
            body += bytes[(lineEnd + 2)..<(lineEnd + 2 + size)]
            index = lineEnd + 2 + size + 2
            if size == 0 {
                reply.body = String(decoding: body, as: UTF8.self)
                return (Self.whole(reply), index)
            }
        }
        guard isOver else { return nil }
        reply.body = String(decoding: body, as: UTF8.self)
        return (reply, bytes.count)
    }

    private static func whole(_ reply: Reply) -> Reply {
        var reply = reply
        reply.isWhole = true
        return reply
    }

    private static func find(_ text: StaticString, in bytes: [UInt8], from start: Int) -> Int? {
        let count = text.utf8CodeUnitCount
        guard bytes.count >= start + count else { return nil }
        return text.withUTF8Buffer { wanted in
            var index = start
            while index + count <= bytes.count {
                if unsafe bytes[index] == wanted[0], unsafe bytes[index..<(index + count)].elementsEqual(wanted) {
                    return index
                }
                index += 1
            }
            return nil
        }
    }
}

extension Channel {
    /// Closes the socket below all handlers.
    func cut(resets: Bool) {
        self.eventLoop.execute {
            guard resets, let options = self as? any SocketOptionProvider else {
                return self._channelCore.close0(error: ChannelError.eof, mode: .all, promise: nil)
            }
            options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
                self._channelCore.close0(error: ChannelError.eof, mode: .all, promise: nil)
            }
        }
    }
}

extension String {
    fileprivate func components(by separator: String) -> [String] {
        self.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
