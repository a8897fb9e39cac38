/// Something that answers inference requests: an upstream, a group of upstreams, or a layer around one.
///
/// This is the only protocol the request path knows. A leaf talks to one upstream (`HTTPProvider`), a router chooses
/// between several, and a layer wraps exactly one other.
///
/// ## The commit rule
///
/// ``respond(to:context:)`` returns once the upstream has *committed*: the whole reply has arrived, or, for a stream,
/// its first event has been read and is not an error. So:
///
/// - an error **thrown** here means nothing reached the client; another attempt is allowed,
/// - a reply **returned** here is final; whatever happens later is never retried.
public protocol Provider: Sendable {
    /// The name used in logs, metrics and replies.
    var id: ProviderID { get }

    /// Answers `request`.
    ///
    /// - Parameters:
    ///   - request: The request, still in the client's dialect.
    ///   - context: What is known about this call besides its content.
    /// - Returns: A committed reply.
    /// - Throws: A ``NeedletailError`` whose ``NeedletailError/disposition`` says what may be tried next.
    func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply

    /// Gives back what is held: connections, jobs, clocks. May be called twice; whoever is asked afterwards may fail.
    ///
    /// A layer and a router close what they stand around. Default: there is nothing to give back.
    func close() async
}

extension Provider {
    /// There is nothing to give back.
    public func close() async {}
}

/// The name of a provider, as configured.
public struct ProviderID: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name.
    public let rawValue: String

    /// Creates a name.
    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    /// Creates a name from a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// The name.
    public var description: String { self.rawValue }
}
