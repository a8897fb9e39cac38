import NIOCore
import NeedletailCore

/// Reads a stream that goes through unchanged.
///
/// What arrives is forwarded at event boundaries, so that an error event of ours always starts on one; each event is
/// looked at by the dialect's tap on its way. In the ordinary case, a read that ends where an event ends, the chunk is
/// handed on as it came, without a copy.
final class PassthroughReader: ReplyReader {
    /// What may come before the first event, or be that event: as much as an event may have.
    private static let maximumLead = SSEDecoder.defaultMaximumEventSize

    private let body: TransportBody
    private var framing: any EventDecoder
    private var tap: any StreamTap
    private let withholdsUsage: Bool
    private let ending: StreamEnding
    /// Notes what only the provider can read.
    private let recorder: StateRecorder?
    /// Bytes of an event that is not whole yet, and where they start in the stream.
    private var held = ByteBuffer()
    private var heldOffset = 0
    /// Up to where the stream may be forwarded.
    private var goodEnd = 0
    private var hasSeenEvent = false
    /// What is known to come next.
    private var ready: ByteBuffer?
    private var failure: NeedletailError?
    private var isOver = false
    /// Set until the commit.
    private var limit: CommitLimit?

    init(
        _ body: TransportBody, tap: any StreamTap, framing: any EventDecoder, withholdsUsage: Bool,
        ending: StreamEnding, recorder: StateRecorder? = nil
    ) {
        self.body = body
        self.tap = tap
        self.framing = framing
        self.withholdsUsage = withholdsUsage
        self.ending = ending
        self.recorder = recorder
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
            let chunk: ByteBuffer?
            do {
                chunk = try await self.body.next()
            } catch {
                return try self.end(cause: error)
            }
            guard let chunk else { return try self.end(cause: nil) }
            if let out = try self.take(chunk) { return out }
            try self.checkLimit()
        }
        return nil
    }

    /// Bounds what is held back: half an event with all that stands between its lines, and before the first event
    /// whatever comes.
    private func checkSize(afterEvent sawEvent: Bool) throws(NeedletailError) {
        let isLead = !self.hasSeenEvent && !sawEvent
        let (size, limit) =
            isLead
            ? (self.held.readableBytes, Self.maximumLead)
            : (self.framing.pendingBytes, SSEDecoder.defaultMaximumEventSize)
        guard size > limit else { return }
        throw NeedletailError(.malformedReply, "The provider sent \(limit) bytes without an event in them.")
    }

    private func checkLimit() throws(NeedletailError) {
        do { try self.limit?.check() } catch {
            self.body.cancel()
            throw error
        }
    }

    /// Looks at the events that `chunk` completes and returns what may be forwarded, if anything.
    private func take(_ chunk: ByteBuffer) throws(NeedletailError) -> ByteBuffer? {
        if self.held.readableBytes == 0 { self.held = chunk } else { self.held.writeImmutableBuffer(chunk) }
        self.framing.feed(chunk)
        var out: ByteBuffer?
        var sawEvent = false
        var owesEnd = false
        do {
            while let event = try self.framing.next() {
                let verdict = try self.tap.observe(name: event.name, data: event.data)
                sawEvent = true
                if verdict == .state { self.recorder?.note(passing: event.data, decoded: self.tap.decoded) }
                if verdict == .usageOnly, self.withholdsUsage {
                    Self.append(self.cut(at: self.goodEnd), to: &out)
                    _ = self.cut(at: event.endOffset)
                }
                self.goodEnd = event.endOffset
                if self.tap.isTerminated { break }
            }
            // Comments between events go along; before the first event nothing does, since that is the commit.
            if self.hasSeenEvent || sawEvent { self.goodEnd = self.framing.boundary }
            try self.checkSize(afterEvent: sawEvent)
        } catch {
            // What came before the bad event is good and goes out first.
            owesEnd = error.sparesWholeReply && self.tap.isComplete
            if owesEnd { self.isOver = true } else { self.failure = error }
            self.body.cancel()
        }
        if sawEvent { self.hasSeenEvent = true }
        if self.hasSeenEvent { Self.append(self.cut(at: self.goodEnd), to: &out) }
        if owesEnd { self.writeEnd(to: &out) }
        if sawEvent, let usage = self.tap.usage { self.ending.setUsage(usage) }
        if self.tap.isTerminated, self.failure == nil {
            self.isOver = true
            self.body.drain()
            // The line feed that belongs to it is on its way; nobody needs to wait for it.
            if self.framing is SSEDecoder, out?.readableBytesView.last == UInt8(ascii: "\r") {
                out?.writeStaticString("\n")
            }
        }
        if let out { return out }
        if let failure = self.failure { throw failure }
        return nil
    }

    /// Takes the held bytes up to `offset` of the stream.
    private func cut(at offset: Int) -> ByteBuffer {
        let length = min(max(0, offset - self.heldOffset), self.held.readableBytes)
        self.heldOffset += length
        return self.held.readSlice(length: length) ?? ByteBuffer()
    }

    private func writeEnd(to out: inout ByteBuffer?) {
        var bytes = ByteBuffer()
        self.tap.writeEnd(into: &bytes)
        Self.append(bytes, to: &out)
    }

    private static func append(_ bytes: ByteBuffer, to out: inout ByteBuffer?) {
        guard bytes.readableBytes > 0 else { return }
        if out == nil { out = bytes } else { out?.writeImmutableBuffer(bytes) }
    }

    /// The upstream's bytes are over, properly or not.
    private func end(cause: NeedletailError?) throws(NeedletailError) -> ByteBuffer? {
        self.isOver = true
        var out: ByteBuffer?
        if cause == nil {
            do {
                while let event = try self.framing.finish() {
                    let verdict = try self.tap.observe(name: event.name, data: event.data)
                    if verdict == .state { self.recorder?.note(passing: event.data, decoded: self.tap.decoded) }
                    if verdict != .usageOnly || !self.withholdsUsage {
                        // The end that was left out, so that whatever follows starts a new event.
                        var bytes = self.held
                        bytes.writeStaticString(type(of: self.framing).eventEnd)
                        out = bytes
                        self.hasSeenEvent = true
                    }
                }
            } catch {
                // Half an event at the end of the bytes is no garbage, it is a stream cut short; that is told below.
                if error.code != .malformedReply { self.failure = error }
            }
        }
        if let usage = self.tap.usage { self.ending.setUsage(usage) }
        if self.failure == nil, !self.tap.isComplete {
            self.failure =
                cause ?? NeedletailError(.unreachable, "The provider's stream ended before its reply did.")
        } else if self.failure == nil, let cause, !self.tap.isTerminated {
            // Broken after the last choice had ended: the reply is whole and is ended in the provider's place. A stream
            // that ends properly without its marker is left as it is.
            if cause.sparesWholeReply { self.writeEnd(to: &out) } else { self.failure = cause }
        }
        if let out { return out }
        if let failure = self.failure { throw failure }
        return nil
    }
}
