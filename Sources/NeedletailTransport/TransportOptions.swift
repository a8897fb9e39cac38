public import NIOCore

/// How one provider's connections are made and kept.
public struct TransportOptions: Sendable {
    /// Idle connections kept, all event loops together; what is more is closed after a second. Default 32.
    public var maximumIdlePerHost: Int
    /// Connections open or being opened, all event loops together. Default 100.
    public var maximumConnections: Int
    /// Requests that may wait for a connection. Default 1,000.
    public var maximumWaiters: Int
    /// How long an idle connection is kept. Default 90 s.
    public var idleTimeout: Duration
    /// How TLS is done.
    public var tls: TLSOptions
    /// The proxy to go through.
    public var proxy: ProxySetting
    /// Where to connect in place of looking the origin's host up; TLS and `host` still name the origin. For whoever has
    /// looked it up and judged the address. Not with a proxy. Default `nil`.
    public var address: SocketAddress?
    /// Whether HTTP/2 may be agreed on over TLS. Default true.
    public var allowsHTTP2: Bool
    /// The most bytes that a response's head may have, interim responses and trailers each counted with it.
    /// Default 64 KiB.
    public var maximumHeaderBytes: Int
    /// The body bytes that are kept for a consumer that does not take them; reading stops above it. Default 64 KiB.
    public var bodyBufferBytes: Int

    /// Creates options.
    public init(
        maximumIdlePerHost: Int = 32,
        maximumConnections: Int = 100,
        maximumWaiters: Int = 1_000,
        idleTimeout: Duration = .seconds(90),
        tls: TLSOptions = TLSOptions(),
        proxy: ProxySetting = .none,
        allowsHTTP2: Bool = true,
        maximumHeaderBytes: Int = 64 << 10,
        bodyBufferBytes: Int = 64 << 10
    ) {
        self.maximumIdlePerHost = maximumIdlePerHost
        self.maximumConnections = max(1, maximumConnections)
        self.maximumWaiters = maximumWaiters
        self.idleTimeout = idleTimeout
        self.tls = tls
        self.proxy = proxy
        self.allowsHTTP2 = allowsHTTP2
        self.maximumHeaderBytes = maximumHeaderBytes
        self.bodyBufferBytes = bodyBufferBytes
    }
}

/// How TLS is done.
public struct TLSOptions: Sendable {
    /// Whom to trust.
    public enum Roots: Sendable, Hashable {
        /// The system's store (`ca-certificates`).
        case system
        /// The certificates of a PEM file, and nobody else.
        case file(String)
        /// PEM bytes, and nobody else.
        case pem([UInt8])
    }

    /// Whom to trust.
    public var roots: Roots
    /// Whether chain and host name are verified. Off is for tests only.
    public var verifiesCertificate: Bool

    /// Creates options.
    public init(roots: Roots = .system, verifiesCertificate: Bool = true) {
        self.roots = roots
        self.verifiesCertificate = verifiesCertificate
    }
}

/// The proxy of an origin.
public enum ProxySetting: Sendable, Hashable {
    /// Connect directly.
    case none
    /// Go through an HTTP proxy: a `CONNECT` tunnel for https, absolute-form requests for http.
    case http(Proxy)

    /// An HTTP proxy.
    public struct Proxy: Sendable, Hashable {
        /// The proxy's name or address.
        public var host: String
        /// The proxy's port.
        public var port: Int
        /// The value of `proxy-authorization`.
        public var authorization: String?

        /// Creates a proxy.
        public init(host: String, port: Int, authorization: String? = nil) {
            self.host = host
            self.port = port
            self.authorization = authorization
        }
    }
}
