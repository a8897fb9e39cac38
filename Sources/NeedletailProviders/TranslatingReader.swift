import NIOCore
import NeedletailCore

/// Reads a stream and rewrites it in the client's dialect, chunk by chunk.
final class TranslatingReader: ReplyReader {
    private let body: TransportBody
    private var decoder: any StreamDecoder
    private var encoder: any StreamEncoder
    /// Rewrites calls of tools that were rewritten for the upstream.
    private var customTools: CustomToolEmulation.Restorer?
    private let ending: StreamEnding
    /// Notes what only the provider can read.
    private let recorder: StateRecorder?
    private var callNames: CallNames
    /// The dialect that is read.
    private let source: DialectID?
    private var events: [ChatEvent] = []
    /// How many losses the ending has been told of.
    private var lossCount = 0
    private var ready: ByteBuffer?
    /// Room made ahead for what is written, in bytes: several events.
    private static let maximumReserve = 4096
    /// How much was written last, in bytes: what comes next will be like it.
    private var lastSize = 0
    private var failure: NeedletailError?
    private var isOver = false
    /// Set until the commit.
    private var limit: CommitLimit?

    init(
        _ body: TransportBody,
        decoder: any StreamDecoder,
        encoder: any StreamEncoder,
        customTools: CustomToolEmulation? = nil,
        ending: StreamEnding,
        recorder: StateRecorder? = nil,
        requestID: String = "",
        source: DialectID? = nil
    ) {
        self.body = body
        self.decoder = decoder
        self.decoder.unread = UnreadMembers(limit: UnreadMembers.usualLimit)
        self.encoder = encoder
        self.customTools = customTools.map { CustomToolEmulation.Restorer($0) }
        self.ending = ending
        self.recorder = recorder
        self.callNames = CallNames(requestID: requestID)
        self.source = source
    }

    /// Reads up to the first good event; what it throws has not reached anybody.
    func commit(within limit: CommitLimit) async throws(NeedletailError) {
        self.limit = limit
        self.ready = try await self.advance()
        self.limit = nil
        if self.ready == nil {
            throw self.failure ?? NeedletailError(.malformedReply, "The provider sent an empty stream.")
        }
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        if let ready = self.ready {
            self.ready = nil
            return ready
        }
        return try await self.advance()
    }

    private func advance() async throws(NeedletailError) -> ByteBuffer? {
        if let failure = self.failure { throw failure }
        while !self.isOver {
            var chunk: ByteBuffer?
            do {
                chunk = try await self.body.next()
                if let chunk {
                    try self.decoder.decode(chunk, into: &self.events)
                    self.isOver = self.decoder.isComplete
                } else {
                    self.isOver = true
                    try self.decoder.finish(into: &self.events)
                }
            } catch {
                self.isOver = true
                // A reply that is whole stays whole, whatever becomes of the connection after it.
                let isWhole =
                    self.decoder.isComplete || (error.sparesWholeReply && self.decoder.salvage(into: &self.events))
                if !isWhole { self.failure = error }
                self.body.cancel()
            }
            let out = self.write()
            if out.readableBytes > 0 { return out }
            if let failure = self.failure { throw failure }
            do { try self.limit?.check() } catch {
                self.body.cancel()
                throw error
            }
        }
        return nil
    }

    /// Writes the events that have been read, and the dialect's end when the reply is over.
    private func write() -> ByteBuffer {
        var out = ByteBuffer()
        if !self.events.isEmpty { out.reserveCapacity(min(self.lastSize, Self.maximumReserve)) }
        self.customTools?.restore(&self.events)
        for var event in self.events {
            self.callNames.name(&event)
            if case .usage(let usage) = event { self.ending.setUsage(usage) }
            self.recorder?.note(event)
            self.encoder.encode(event, into: &out)
        }
        self.events.removeAll(keepingCapacity: true)
        self.lastSize = out.readableBytes
        defer { self.tellLosses() }
        guard self.isOver, self.failure == nil else { return out }
        self.encoder.finish(into: &out)
        self.body.drain()
        return out
    }

    /// Tells as soon as there is something to tell: a client may leave at any time.
    private func tellLosses() {
        let count = self.encoder.losses.count + self.decoder.unread.losses.count
        guard count > self.lossCount else { return }
        self.lossCount = count
        let losses = self.encoder.losses + self.decoder.unread.losses
        self.ending.addLosses(self.source.map { losses.markingBookkeeping(of: $0) } ?? losses)
    }
}
