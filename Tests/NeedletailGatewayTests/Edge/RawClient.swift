import NIOCore
import NIOPosix
import Synchronization

/// A TCP client for tests: sends texts and waits for what comes back, without knowing HTTP.
final class RawClient: Sendable {
    private struct State {
        var received = ""
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let client: RawClient
        init(_ client: RawClient) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: self.unwrapInboundIn(data))
            self.client.change { $0.received += text }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.client.change { $0.isOver = true }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .some(.inputClosed) = event as? ChannelEvent { self.client.change { $0.isOver = true } }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }

    private let state = Mutex(State())
    private let channel = Mutex<(any Channel)?>(nil)

    /// - Parameter reads: Whether it reads by itself; without, everything stays in the sockets' buffers.
    static func connect(_ port: Int, reads: Bool = true) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // A machine with much to do may take longer than the default of ten seconds; suites have limits.
            .connectTimeout(.hours(1))
            .channelOption(.autoRead, value: reads)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(client))
                }
            }
            // An address, since a name waits for Dispatch's threads, which busy tests leave no core.
            .connect(to: SocketAddress(ipAddress: "127.0.0.1", port: port)).get()
        client.channel.withLock { $0 = channel }
        return client
    }

    func send(_ text: String) async throws {
        guard let channel = self.channel.withLock({ $0 }) else { return }
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// Sends the last text and closes this side, so that both arrive together.
    func sendAll(_ text: String) async throws {
        guard let channel = self.channel.withLock({ $0 }) else { return }
        try await channel.eventLoop.flatSubmit {
            channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
            return channel.close(mode: .output)
        }.get()
    }

    /// Waits until `condition` holds of all that has been received, or the end.
    @discardableResult
    func wait(until condition: (String) -> Bool) async -> String {
        while true {
            let (text, isOver) = self.state.withLock { ($0.received, $0.isOver) }
            if isOver || condition(text) { return text }
            await withCheckedContinuation { continuation in
                let isStale = self.state.withLock { state in
                    if state.received.utf8.count != text.utf8.count || state.isOver { return true }
                    state.waiter = continuation
                    return false
                }
                if isStale { continuation.resume() }
            }
        }
    }

    /// All bytes until the server closes.
    func all() async -> String {
        await self.wait { _ in false }
    }

    func startReading() async throws {
        try await self.channel.withLock { $0 }?.setOption(.autoRead, value: true).get()
        self.channel.withLock { $0 }?.read()
    }

    func close() async throws {
        try await self.channel.withLock { $0 }?.close()
    }

    private func change(_ body: (inout State) -> Void) {
        let waiter = self.state.withLock { state in
            body(&state)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
