import NIOCore
import NIOHTTP2
import NeedletailCore

/// One HTTP/2 connection: the last handler of its channel, which sees the frames of the connection itself.
///
/// Streams are child channels, each with an ``HTTP2Stream``. The peer's `SETTINGS_MAX_CONCURRENT_STREAMS` limits them;
/// after `GOAWAY` no more are opened and the connection closes when the last has ended (RFC 9113, 6.8).
final class HTTP2Connection: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    /// Streams assumed to be allowed until the peer has said (RFC 9113, 6.5.2, recommends no fewer).
    private static let assumedStreams = 100
    /// The connection's receive window: room for the window of each stream, so that a slow one does not block others.
    private static let connectionWindow = 8 << 20

    private let shard: LoopShard
    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer
    private var streams: [HTTP2Stream] = []
    private var maximumStreams = assumedStreams
    private var isDraining = false
    /// The last stream that a peer which goes away will answer.
    private var lastStream: HTTP2StreamID?
    private var isClosed = false
    private var idleSince: Instant
    /// Whether an answer has come over it.
    private(set) var hasServed = false
    /// Counts what has come over it.
    private(set) var heard: UInt64 = 0

    /// Turns `channel`, whose handshake is over, into an HTTP/2 connection.
    init(channel: any Channel, shard: LoopShard) throws {
        self.shard = shard
        self.channel = channel
        self.idleSince = shard.time.now()
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        // What the setting can hold (RFC 9113, 6.5.2).
        let window = min(max(1, shard.options.bodyBufferBytes), Int(Int32.max))
        connection.initialSettings = [
            HTTP2Setting(parameter: .enablePush, value: 0),
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 0),
            HTTP2Setting(parameter: .maxHeaderListSize, value: shard.options.maximumHeaderBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: window),
        ]
        connection.targetWindowSize = Self.connectionWindow
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.targetWindowSize = window
        let handler = NIOHTTP2Handler(
            mode: .client,
            eventLoop: channel.eventLoop,
            connectionConfiguration: connection,
            streamConfiguration: stream,
            inboundStreamInitializer: { pushed in pushed.close() }
        )
        try channel.pipeline.syncOperations.addHandler(handler)
        self.multiplexer = try handler.syncMultiplexer()
        try channel.pipeline.syncOperations.addHandler(self)
    }

    // MARK: Shard side

    /// Whether another stream can be opened.
    var hasCapacity: Bool {
        !self.isDraining && !self.isClosed && self.channel.isActive && self.streams.count < self.maximumStreams
    }

    /// Whether streams are open.
    var isBusy: Bool { !self.streams.isEmpty }

    /// Opens a stream for the exchange; `false` if there is no room.
    func carry(_ exchange: Exchange) -> Bool {
        guard self.hasCapacity else { return false }
        let stream = HTTP2Stream(exchange, connection: self, shard: self.shard)
        guard exchange.attach(stream, on: self.channel.eventLoop) else { return true }
        self.streams.append(stream)
        let bound = NIOLoopBound(stream, eventLoop: self.channel.eventLoop)
        let opened = self.channel.eventLoop.makePromise(of: (any Channel).self)
        opened.futureResult.assumeIsolated().whenFailure { stream.closed($0) }
        self.multiplexer.createStreamChannel(promise: opened) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(bound.value)
            }
        }
        return true
    }

    /// Ends streams that are over a limit, and the connection if it has been idle too long.
    func checkLimits(now: Instant) {
        for stream in self.streams { stream.checkLimits(now: now) }
        if self.streams.isEmpty, self.isDraining || now >= self.idleSince.advanced(by: self.shard.options.idleTimeout) {
            self.close()
        }
    }

    /// Takes no more streams and closes after the last.
    func retire() {
        self.isDraining = true
        if self.streams.isEmpty { self.close() }
    }

    /// Takes no more streams: one of them has waited in vain, and nothing at all has come over the connection meanwhile.
    /// Its peer may be gone without a word, and every further request would wait as long.
    func noteSilence() {
        self.isDraining = true
        self.shard.connectionRetired(self)
    }

    /// Fails what runs and closes.
    func shutDown(_ error: NeedletailError) {
        self.isDraining = true
        for stream in self.streams { stream.end(with: error) }
        self.close()
    }

    private func close() {
        self.channel.close(promise: nil)
    }

    // MARK: Stream side

    /// Something has come for a stream.
    func noteFrame() {
        self.heard &+= 1
    }

    /// An answer has begun to arrive.
    func noteAnswer() {
        self.hasServed = true
    }

    /// Whether the peer has said that it will not answer this stream (RFC 9113, 6.8).
    func hasDropped(_ stream: HTTP2StreamID) -> Bool {
        self.lastStream.map { stream > $0 } ?? false
    }

    /// A stream has ended.
    func streamEnded(_ stream: HTTP2Stream) {
        guard let index = self.streams.firstIndex(where: { $0 === stream }) else { return }
        self.streams.remove(at: index)
        if self.streams.isEmpty { self.idleSince = self.shard.time.now() }
        guard !self.isDraining else {
            if self.streams.isEmpty { self.close() }
            return
        }
        self.shard.streamFree(self)
    }

    // MARK: Channel

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.noteFrame()
        switch self.unwrapInboundIn(data).payload {
        case .settings(.settings(let settings)):
            // The last one counts; NIOHTTP2 has checked the values.
            for setting in settings where setting.parameter == .maxConcurrentStreams {
                self.maximumStreams = setting.value
            }
        case .goAway(let last, _, _):
            self.lastStream = last
            self.isDraining = true
            self.shard.connectionRetired(self)
            if self.streams.isEmpty { self.close() }
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An error of one stream reaches that stream too; only those of the connection end it.
        guard !HTTP2StreamFault.isOne(error) else { return }
        self.isDraining = true
        self.shard.connectionRetired(self)
        self.close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.isClosed = true
        for stream in self.streams { stream.closed(nil) }
        self.streams = []
        self.shard.connectionClosed(self)
    }
}
