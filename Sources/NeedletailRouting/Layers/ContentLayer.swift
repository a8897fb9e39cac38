import NIOCore
public import NeedletailCore
import Synchronization

/// Hands requests and replies to whoever keeps what was said.
///
/// Must be inside redaction, so that what it hands on is what a provider is told, and outside the cache, whose replies are
/// replies too.
public struct ContentLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let scope: GuardScope
    private let longestReply: Int
    private let keep: @Sendable (ContentRecord) -> Void

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - scope: Whose requests.
    ///   - longestReply: In bytes; a longer one is not handed on.
    ///   - keep: Told once of every request, when its reply has ended. Must not wait.
    public init(
        _ next: any Provider, scope: GuardScope, longestReply: Int = 4 << 20,
        keep: @escaping @Sendable (ContentRecord) -> Void
    ) {
        self.next = next
        self.scope = scope
        self.longestReply = longestReply
        self.keep = keep
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard self.scope.holds(for: request, context.request), request.operation.isBilled else {
            return try await self.next.respond(to: request, context: context)
        }
        var record = ContentRecord(info: context.request, request: request)
        var reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            self.keep(record)
            throw error
        }
        record.provider = reply.provider
        switch reply.body {
        case .complete(let body, _):
            record.isCut = body.bytes.readableBytes > self.longestReply
            if !record.isCut { record.reply = body }
            self.keep(record)
        case .stream(let stream):
            record.isStream = true
            let passed = PassedBytes(limit: self.longestReply)
            let reader = CopyingReader(stream, into: passed)
            // The stream itself would keep its own end from being noticed.
            stream.onEnd { [record, keep = self.keep, dialect = stream.dialect] _ in
                var record = record
                let (bytes, isCut) = passed.taken()
                record.reply = WireBody(dialect: dialect, bytes: bytes)
                record.isCut = isCut
                keep(record)
            }
            reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: stream.ending, reader: reader))
        }
        return reply
    }
}

/// What has passed of a stream, up to a limit.
private final class PassedBytes: Sendable {
    private let limit: Int
    private let state = Mutex<(bytes: ByteBuffer, isCut: Bool)>((ByteBuffer(), false))

    init(limit: Int) {
        self.limit = limit
    }

    func add(_ chunk: ByteBuffer) {
        self.state.withLock { state in
            guard state.bytes.readableBytes + chunk.readableBytes <= self.limit else { return state.isCut = true }
            state.bytes.writeImmutableBuffer(chunk)
        }
    }

    func taken() -> (ByteBuffer, Bool) { self.state.withLock { ($0.bytes, $0.isCut) } }
}

/// Passes a stream on and takes it down.
private final class CopyingReader: ReplyReader {
    private var chunks: ReplyStream.Iterator
    private let passed: PassedBytes

    init(_ stream: ReplyStream, into passed: PassedBytes) {
        self.chunks = stream.makeAsyncIterator()
        self.passed = passed
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        guard let chunk = try await self.chunks.next() else { return nil }
        self.passed.add(chunk)
        return chunk
    }
}
