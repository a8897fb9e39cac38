public import NIOCore
public import NeedletailCore
import Synchronization

/// Sends copies of a part of the requests to another target, and compares what comes back with what the client got.
///
/// The copy never delays and never answers: it runs in the ``JobRunner`` that the stack owns, is counted and limited on
/// its own, and is dropped when there is no room. It is nobody's: it carries no client key, so that it uses up no key's
/// limits and budget.
public final class ShadowTraffic: Sendable {
    /// How much is copied.
    public struct Settings: Sendable, Hashable {
        /// The part of the requests, 0 to 1.
        public var fraction: Double
        /// Copies a minute; `nil` for any number.
        public var perMinute: Int?
        /// Copies at a time, at least 1. Default 10.
        public var concurrency: Int
        /// How long a copy may take where the request has no deadline.
        public var limit: Duration

        /// Creates settings.
        public init(
            fraction: Double, perMinute: Int? = nil, concurrency: Int = 10, limit: Duration = .seconds(600)
        ) {
            self.fraction = fraction
            self.perMinute = perMinute
            self.concurrency = max(1, concurrency)
            self.limit = limit
        }
    }

    /// Reads the outline of a reply: its bytes, their dialect, whether they are a stream's.
    public typealias Outliner =
        @Sendable (ByteBuffer, DialectID, _ isStream: Bool) throws(NeedletailError) -> ReplyOutline

    /// Bytes of a reply that are kept for the comparison; of a longer one the text is not compared.
    static let maximumReply = 1 << 20

    /// What it belongs to: a group's or rule's name.
    public let name: String
    /// Where the copies go, as it stands in the configuration.
    public let destination: String
    private let target: any Provider
    private let settings: Settings
    private let runner: JobRunner
    private let outline: Outliner
    private let time: TimeSource
    private let random: RandomSource
    private let state: Mutex<ShadowState>

    /// Creates shadow traffic.
    ///
    /// - Parameters:
    ///   - target: Who is sent the copies.
    ///   - runner: Runs them; as long as it does not run nothing is copied.
    ///   - outline: Reads replies, outside the request's way.
    public init(
        name: String,
        destination: String,
        target: any Provider,
        settings: Settings,
        runner: JobRunner,
        outline: @escaping Outliner,
        time: TimeSource,
        random: RandomSource
    ) {
        self.name = name
        self.destination = destination
        self.target = target
        self.settings = settings
        self.runner = runner
        self.outline = outline
        self.time = time
        self.random = random
        self.state = Mutex(ShadowState(budget: settings.perMinute, concurrency: settings.concurrency))
    }

    /// What it has shown so far.
    public func snapshot() -> ShadowSnapshot {
        let state = self.state.withLock { $0 }
        return ShadowSnapshot(
            name: self.name, destination: self.destination, counts: state.counts, running: state.running,
            latencyRatio: .init(state.latencyRatio), lengthRatio: .init(state.lengthRatio),
            comparisons: state.comparisons)
    }

    /// Asks `primary`, and perhaps the shadow beside it.
    func respond(
        to request: InferenceRequest,
        context: RequestContext,
        through primary: any Provider
    ) async throws(NeedletailError) -> InferenceReply {
        guard let pair = self.begin(request, context) else {
            return try await primary.respond(to: request, context: context)
        }
        let begin = self.time.now()
        var reply: InferenceReply
        do {
            reply = try await primary.respond(to: request, context: context)
        } catch {
            let latency = self.time.now().duration(since: begin)
            pair.tell(error.code == .cancelled ? .abandoned : .failed(error, latency))
            throw error
        }
        let seen = ShadowPair.Reply(
            provider: reply.provider, model: reply.model, dialect: request.replyDialect ?? .openAIChat,
            isStream: false, latency: self.time.now().duration(since: begin), bytes: ByteBuffer())
        reply.body = Self.watch(reply.body, pair, seen)
        return reply
    }

    private static func watch(
        _ body: InferenceReply.Body, _ pair: ShadowPair, _ seen: ShadowPair.Reply
    ) -> InferenceReply.Body {
        var seen = seen
        switch body {
        case .complete(let whole, let usage):
            seen.dialect = whole.dialect
            seen.bytes = whole.bytes.readableBytes <= Self.maximumReply ? whole.bytes : nil
            seen.usage = usage
            pair.tell(.replied(seen))
            return body
        case .stream(let stream):
            seen.dialect = stream.dialect
            seen.isStream = true
            let reader = ShadowedReader(stream, pair, seen)
            return .stream(ReplyStream(dialect: stream.dialect, ending: stream.ending, reader: reader))
        }
    }

    /// Starts a copy, if this request is one of those that are copied.
    private func begin(_ request: InferenceRequest, _ context: RequestContext) -> ShadowPair? {
        // What goes on from something that one provider keeps means nothing to another.
        guard request.operation == .chat, request.pin == nil, self.random.unit() < self.settings.fraction else {
            return nil
        }
        let now = self.time.now()
        guard self.state.withLock({ $0.admit(now: now) }) == .send else { return nil }
        let pair = ShadowPair()
        let isAccepted = self.runner.start { await self.run(request, context, pair) }
        guard isAccepted else {
            self.state.withLock { $0.drop() }
            return nil
        }
        return pair
    }

    // MARK: The copy

    private func run(_ request: InferenceRequest, _ context: RequestContext, _ pair: ShadowPair) async {
        let info = RequestInfo(
            id: context.id + "-shadow", forwardedHeaders: context.request.forwardedHeaders,
            isStrict: context.request.isStrict, allowedProviders: context.request.allowedProviders,
            routingHeaders: context.request.routingHeaders,
            logger: context.logger)
        let limit = self.time.now().advanced(by: self.settings.limit)
        var copy = RequestContext(info, deadline: context.deadline.map { min($0, limit) } ?? limit)
        copy.cause = .shadow
        let shadow = await self.ask(request, copy)
        let primary = await pair.primary()
        guard let shadow, let primary = primary.flatMap({ self.observation(of: $0) }) else {
            return self.state.withLock { $0.drop() }
        }
        let comparison = ShadowComparison(
            requestID: context.id, model: String(request.model.prefix(200)), primary: primary, shadow: shadow)
        self.state.withLock { $0.end(comparison) }
    }

    /// Sends the copy and reads its reply to the end; `nil` if it was cancelled.
    private func ask(_ request: InferenceRequest, _ context: RequestContext) async -> ShadowObservation? {
        let begin = self.time.now()
        let reply: InferenceReply
        do throws(NeedletailError) {
            reply = try await self.target.respond(to: request, context: context)
        } catch {
            guard error.code != .cancelled else { return nil }
            return self.observation(of: .failed(error, self.time.now().duration(since: begin)))
        }
        var seen = ShadowPair.Reply(
            provider: reply.provider, model: reply.model, dialect: request.replyDialect ?? .openAIChat,
            isStream: false, latency: self.time.now().duration(since: begin), bytes: ByteBuffer())
        let pair = ShadowPair()
        guard case .stream(let stream) = Self.watch(reply.body, pair, seen) else {
            return await pair.primary().flatMap { self.observation(of: $0) }
        }
        var chunks = stream.makeAsyncIterator()
        do throws(NeedletailError) {
            while try await chunks.next() != nil {}
        } catch {
            seen.error = error
        }
        return await pair.primary().flatMap { self.observation(of: $0) }
    }

    private func observation(of primary: ShadowPair.Primary) -> ShadowObservation? {
        switch primary {
        case .abandoned: return nil
        case .failed(let error, let latency):
            return ShadowObservation(
                provider: error.provider, status: error.disposition.status, error: error.code.description,
                latency: latency)
        case .replied(let reply):
            return ShadowObservation(
                provider: reply.provider, model: reply.model, status: 200, error: reply.error?.code.description,
                latency: reply.latency,
                outline: reply.bytes.flatMap { try? self.outline($0, reply.dialect, reply.isStream) },
                outputTokens: reply.usage?.outputTokens)
        }
    }
}
