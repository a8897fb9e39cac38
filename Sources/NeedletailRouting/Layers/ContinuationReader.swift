import Logging
import NIOCore
import NeedletailCore

/// Reads one part of an answer after the other, as one stream.
///
/// Each part is a committed reply of its own, settled by its own end; this stream ends when the last part does.
final class ContinuationReader: ReplyReader {
    private let next: any Provider
    private let time: TimeSource
    private let dialect: any Dialect.Type
    private let ending: StreamEnding
    private let request: InferenceRequest
    private var context: RequestContext
    private var source: BrokenTarget
    private var chunks: ReplyStream.Iterator
    private var partEnding: StreamEnding
    private var decoder: any StreamDecoder
    private var encoder: any StreamEncoder
    private var state: ContinuationState
    private var events: [ChatEvent] = []
    private var shown: [ChatEvent] = []
    private var failure: NeedletailError?
    /// Why the part before the current one ended.
    private var broken: NeedletailError?
    private var isOver = false

    init(
        _ stream: ReplyStream,
        from source: BrokenTarget,
        dialect: any Dialect.Type,
        encoder: any StreamEncoder,
        state: ContinuationState,
        ending: StreamEnding,
        request: InferenceRequest,
        context: RequestContext,
        next: any Provider,
        time: TimeSource
    ) {
        self.chunks = stream.makeAsyncIterator()
        self.partEnding = stream.ending
        self.source = source
        self.dialect = dialect
        self.decoder = dialect.makeStreamDecoder()
        self.encoder = encoder
        self.state = state
        self.ending = ending
        self.request = request
        self.context = context
        self.next = next
        self.time = time
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        if let failure = self.failure { throw failure }
        var out = ByteBuffer()
        while !self.isOver, out.readableBytes == 0 {
            do {
                if let chunk = try await self.chunks.next() {
                    try self.decoder.decode(chunk, into: &self.events)
                    self.write(&out)
                } else {
                    try self.finishPart()
                    self.end(&out)
                }
            } catch {
                self.write(&out)
                if !self.state.hasDeparted { try await self.goOn(after: error, &out) }
            }
            if self.state.hasDeparted { try self.depart(&out) }
        }
        return out.readableBytes > 0 ? out : nil
    }

    /// The bytes of a part are over, properly: is its answer?
    private func finishPart() throws(NeedletailError) {
        do { try self.decoder.finish(into: &self.events) } catch {
            guard self.decoder.salvage(into: &self.events) else { throw error }
        }
    }

    /// Writes what the client is to see of the events that were read.
    private func write(_ out: inout ByteBuffer) {
        self.state.take(self.events, into: &self.shown)
        self.events.removeAll(keepingCapacity: true)
        self.encode(&out)
    }

    private func encode(_ out: inout ByteBuffer) {
        for event in self.shown { self.encoder.encode(event, into: &out) }
        self.shown.removeAll(keepingCapacity: true)
    }

    /// The current part is another answer than the one that was begun: what broke that one ends the stream.
    private func depart(_ out: inout ByteBuffer) throws(NeedletailError) {
        self.countUsage()
        try self.fail(self.broken ?? NeedletailError(.upstreamFailed, "The stream broke off."), &out)
    }

    private func end(_ out: inout ByteBuffer) {
        self.write(&out)
        self.state.end(into: &self.shown)
        guard !self.state.hasDeparted else { return }
        self.encode(&out)
        self.encoder.finish(into: &out)
        self.countUsage()
        self.isOver = true
    }

    /// The parts before have been added up; of this one the provider's last word counts, which the client may not be shown.
    private func countUsage() {
        var state = self.state
        if let told = self.partEnding.usage {
            var none: [ChatEvent] = []
            state.take([.usage(told)], into: &none)
        }
        if let total = state.total { self.ending.setUsage(total) }
        self.ending.addLosses(self.partEnding.losses)
    }

    // MARK: The next part

    /// A part broke: finds another that goes on, or lets the failure end the stream.
    private func goOn(after error: NeedletailError, _ out: inout ByteBuffer) async throws(NeedletailError) {
        self.countUsage()
        // Every choice has told why it ended; what breaks after that takes nothing from the answer.
        if self.state.isFinished, error.code != .cancelled { return self.end(&out) }
        let isLate = self.context.deadline.map { self.time.now() >= $0 } ?? false
        // A stream that was cut because nobody pays for more goes on nowhere.
        guard self.state.mayContinue, error.code != .cancelled, error.code != .budgetExceeded,
            error.disposition.retry != .never, !isLate
        else {
            return try self.fail(error, &out)
        }
        let hasSeam = self.state.hasShown
        self.shown = self.state.beginPart(after: self.partEnding.usage)
        self.context.broken.append(self.source)
        self.context.attempt += 1
        self.context.cause = .continuation
        var request = self.request
        if let continuation = self.state.continuation { request.continuation = continuation }
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: self.context)
        } catch let second {
            // The first failure is the one that broke the answer; only a client that has gone is told of otherwise.
            return try self.fail(second.code == .cancelled ? second : error, &out)
        }
        guard case .stream(let stream) = reply.body, stream.dialect == self.request.replyDialect else {
            return try self.fail(error, &out)
        }
        self.context.logger.info(
            "A stream broke and goes on elsewhere.",
            metadata: [
                "needletail.request_id": "\(self.context.id)", "needletail.provider": "\(self.source.provider)",
                "needletail.code": "\(error.code)", "needletail.next": "\(reply.provider)",
            ])
        self.broken = error
        self.source = BrokenTarget(provider: reply.provider, model: reply.model)
        self.chunks = stream.makeAsyncIterator()
        self.partEnding = stream.ending
        self.decoder = self.dialect.makeStreamDecoder()
        self.encode(&out)
        if hasSeam { self.declare(&out) }
    }

    /// Ends the stream with `error`; what came before it goes out first.
    private func fail(_ error: NeedletailError, _ out: inout ByteBuffer) throws(NeedletailError) {
        self.failure = error
        self.isOver = true
        self.shown = []
        guard out.readableBytes > 0 else { throw error }
    }

    /// Tells of the seam, where the dialect has a place for it that no client takes for an event. What begins anew without
    /// having shown anything has none.
    private func declare(_ out: inout ByteBuffer) {
        guard self.dialect.toleratesComments else { return }
        out.writeString(": needletail-continued provider=\(Self.word(self.source.provider.rawValue))\n\n")
    }

    private static func word(_ text: String) -> String {
        String(text.unicodeScalars.prefix(100).map { $0.value > 0x20 && $0.value < 0x7F ? Character($0) : "_" })
    }
}
