public import HTTPTypes
public import NIOCore

/// The one seam to the network: a client for one upstream origin. Production pools connections; tests use a function.
///
/// An implementation knows scheme, host, port, TLS and proxy; a caller gives it paths.
public protocol HTTPTransport: Sendable {
    /// Sends `request` and returns when the response head has arrived.
    ///
    /// A request whose pooled connection turns out to have gone stale, or whose HTTP/2 stream the peer refused unread, is
    /// repeated once on a new connection; nothing else is repeated here.
    ///
    /// - Throws: `.unreachable`, `.timedOut`, `.malformedReply`, `.cancelled`, `.unavailable` (no connection within the
    ///   limit in time).
    func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse

    /// Fails what runs and gives the connections back. May be called twice. Default: there are none.
    func close() async
}

extension HTTPTransport {
    /// There are no connections.
    public func close() async {}
}

/// One HTTP request.
public struct TransportRequest: Sendable {
    /// The method.
    public var method: HTTPRequest.Method
    /// Path and query.
    public var path: String
    /// All headers but `host`, `content-length` and what frames the message.
    public var headers: HTTPFields
    /// The body; empty for none.
    public var body: ByteBuffer
    /// The limits for waiting.
    public var timeouts: Timeouts
    /// When everything must be over, the body included.
    public var deadline: Instant?

    /// Creates a request.
    public init(
        method: HTTPRequest.Method = .post,
        path: String,
        headers: HTTPFields = [:],
        body: ByteBuffer = ByteBuffer(),
        timeouts: Timeouts = Timeouts(),
        deadline: Instant? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.timeouts = timeouts
        self.deadline = deadline
    }
}

/// How long to wait for an upstream.
public struct Timeouts: Sendable, Hashable {
    /// For a connection, TLS included. Default 10 s.
    public var connect: Duration
    /// From the last byte sent to the response head, and from there to the first byte of the body. Default 60 s.
    public var firstToken: Duration
    /// Between two reads of the body. Default 60 s.
    public var idle: Duration
    /// For one call, from the first wait to the last byte. Default 600 s.
    public var total: Duration

    /// Creates limits.
    public init(
        connect: Duration = .seconds(10),
        firstToken: Duration = .seconds(60),
        idle: Duration = .seconds(60),
        total: Duration = .seconds(600)
    ) {
        self.connect = connect
        self.firstToken = firstToken
        self.idle = idle
        self.total = total
    }
}

/// The head of a response, and its body to read.
public struct TransportResponse: Sendable {
    /// The status.
    public var status: Int
    /// The headers.
    public var headers: HTTPFields
    /// The body.
    public var body: TransportBody

    /// Creates a response.
    public init(status: Int, headers: HTTPFields = [:], body: TransportBody) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Where a response body comes from. Shared between the network side and one consumer, so it guards itself.
public protocol TransportBodySource: AnyObject, Sendable {
    /// The next bytes, or `nil` at a proper end. Nothing is read from the network until this is called
    /// (beyond one bounded buffer).
    ///
    /// - Throws: `.unreachable` (cut short), `.timedOut`, `.malformedReply` (framing), `.cancelled`.
    func next() async throws(NeedletailError) -> ByteBuffer?

    /// The whole body, if none of it has been taken and all of it is here; the next read is the end then.
    func takeWhole() -> ByteBuffer?

    /// Gives the rest up: closes the connection unless the body is already over. May be called at any time, twice too.
    func cancel()

    /// Needs no more of the body, whose end is near: keeps the connection if the end comes at once, else closes it.
    func drain()
}

extension TransportBodySource {
    /// Nothing: the body is read in parts.
    public func takeWhole() -> ByteBuffer? { nil }

    /// Gives the rest up.
    public func drain() { self.cancel() }
}

/// A response body that can be read once. Dropping it cancels it.
public struct TransportBody: Sendable {
    private let owner: Owner

    /// Wraps a source.
    public init(_ source: any TransportBodySource) {
        self.owner = Owner(source)
    }

    /// A body that is already there.
    public init(_ chunks: ByteBuffer...) {
        self.init(StoredBody(chunks))
    }

    /// The next bytes, or `nil` at a proper end.
    public func next() async throws(NeedletailError) -> ByteBuffer? {
        try await self.owner.source.next()
    }

    /// Gives the rest up.
    public func cancel() {
        self.owner.source.cancel()
    }

    /// Needs no more of the body, whose end is near: the connection is kept if the end comes at once.
    public func drain() {
        self.owner.source.drain()
    }

    /// Reads everything.
    ///
    /// - Throws: `.malformedReply` over `limit` bytes, and what ``next()`` throws.
    public func collect(upTo limit: Int) async throws(NeedletailError) -> ByteBuffer {
        var whole: ByteBuffer
        if let ready = self.owner.source.takeWhole() {
            whole = ready
        } else {
            guard let first = try await self.next() else { return ByteBuffer() }
            whole = first
            while whole.readableBytes <= limit, var chunk = try await self.next() {
                whole.writeBuffer(&chunk)
            }
        }
        guard whole.readableBytes <= limit else {
            self.cancel()
            throw NeedletailError(.malformedReply, "The provider's reply is larger than \(limit) bytes.")
        }
        return whole
    }

    /// Reads at most `limit` bytes and gives the rest up; for error bodies, of which the start is enough.
    public func prefix(_ limit: Int) async -> ByteBuffer {
        var whole = ByteBuffer()
        do {
            while whole.readableBytes < limit, var chunk = try await self.next() { whole.writeBuffer(&chunk) }
        } catch {
            // What has arrived is all there will be.
        }
        self.cancel()
        return whole.readSlice(length: min(limit, whole.readableBytes)) ?? ByteBuffer()
    }

    private final class Owner: Sendable {
        let source: any TransportBodySource
        init(_ source: any TransportBodySource) { self.source = source }
        deinit { self.source.cancel() }
    }
}
