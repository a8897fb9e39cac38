public import HTTPTypes
public import NIOCore
public import NIOHTTP1
public import NeedletailCore

/// Answers the requests of one listener.
public protocol EdgeHandler: Sendable {
    /// Called on the connection's event loop when a head has arrived and before its body is read. Must not block.
    ///
    /// - Returns: Whether to read the body and go on with ``respond(to:through:)``, or a response to send at once.
    func admit(_ head: HTTPRequestHead) -> EdgeAdmission

    /// As ``admit(_:)``, for handlers that ask who the client is.
    ///
    /// - Parameter peer: The client's address; costs a lock, and so it is asked for only where it is needed.
    func admit(_ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?) -> EdgeAdmission

    /// Answers one request through `responder`. Runs in a task on the connection's event loop, which is cancelled when
    /// the client goes away. The request is the handler's: what it has read of it need not stay while a reply streams.
    func respond(to request: consuming EdgeRequest, through responder: EdgeResponder) async

    /// The body of an error that the edge itself answers (413, 431, 408, 400), in the dialect of the head's path.
    ///
    /// - Parameter head: `nil` if the head itself could not be read.
    func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse
}

extension EdgeHandler {
    /// Asks ``admit(_:)``.
    public func admit(_ head: HTTPRequestHead, from peer: @autoclosure () -> SocketAddress?) -> EdgeAdmission {
        self.admit(head)
    }
}

/// What a handler says of a request's head.
public enum EdgeAdmission: Sendable {
    /// The body is to be read. What the handler has learned of the head comes back to it with the request.
    case admitted((any AnyObject & Sendable)? = nil)
    /// This is the answer.
    case refused(EdgeResponse)
}

/// A whole request. An object: frames of a task that relays for long hold a reference and not the parts.
public final class EdgeRequest: Sendable {
    /// The head.
    public let head: HTTPRequestHead
    /// The body, within the listener's limit.
    public let body: ByteBuffer
    /// What ``EdgeHandler/admit(_:)`` learned of the head.
    public let admission: (any AnyObject & Sendable)?

    /// Creates a request.
    public init(head: HTTPRequestHead, body: ByteBuffer, admission: (any AnyObject & Sendable)? = nil) {
        self.head = head
        self.body = body
        self.admission = admission
    }
}

/// A whole response.
public struct EdgeResponse: Sendable {
    /// The status.
    public var status: Int
    /// The headers, without those that frame the message.
    public var headers: HTTPFields
    /// The body.
    public var body: ByteBuffer

    /// Creates a response.
    public init(status: Int, headers: HTTPFields = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
