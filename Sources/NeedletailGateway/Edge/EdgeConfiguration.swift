import NeedletailCore

/// What one listener is told.
public struct EdgeConfiguration: Sendable {
    /// The address to listen on; a name or a number.
    public var host: String
    /// The port; 0 takes a free one.
    public var port: Int
    /// What a client may send and how long it may take.
    public var limits: EdgeLimits
    /// Certificate and key; `nil` for plain text.
    public var tls: EdgeTLS?
    /// Which browsers' pages may ask; `nil` for none.
    public var cors: CORSPolicy?
    /// How often deadlines are looked at; `nil` leaves it to ``EdgeServer/tick()``.
    public var tickInterval: Duration?

    /// Creates a configuration.
    public init(
        host: String = "127.0.0.1",
        port: Int,
        limits: EdgeLimits = EdgeLimits(),
        tls: EdgeTLS? = nil,
        cors: CORSPolicy? = nil,
        tickInterval: Duration? = .seconds(1)
    ) {
        self.host = host
        self.port = port
        self.limits = limits
        self.tls = tls
        self.cors = cors
        self.tickInterval = tickInterval
    }
}

/// What a client may send and how long it may take. Times are kept to within one tick.
public struct EdgeLimits: Sendable, Hashable {
    /// The largest body. Default 32 MiB.
    public var bodyBytes: Int
    /// All names and values of a request's header section. Default 64 KiB.
    public var headerBytes: Int
    /// One header, or the request target. Default 16 KiB.
    public var headerFieldBytes: Int
    /// The most headers. Default 128.
    public var headerCount: Int
    /// Open connections; one more is answered with 503. Default 10,000.
    public var connections: Int
    /// Streams of one HTTP/2 connection. Default 100.
    public var streamsPerConnection: Int
    /// From a connection's start, or a request's first byte, to the end of its headers. Default 30 s.
    public var headerTime: Duration
    /// Between two reads of a body. Default 30 s.
    public var bodyTime: Duration
    /// Between two requests. Default 120 s.
    public var idleTime: Duration
    /// For a client that does not read what is sent to it. Default 120 s.
    public var stallTime: Duration

    /// Creates limits.
    public init(
        bodyBytes: Int = 32 << 20,
        headerBytes: Int = 64 << 10,
        headerFieldBytes: Int = 16 << 10,
        headerCount: Int = 128,
        connections: Int = 10_000,
        streamsPerConnection: Int = 100,
        headerTime: Duration = .seconds(30),
        bodyTime: Duration = .seconds(30),
        idleTime: Duration = .seconds(120),
        stallTime: Duration = .seconds(120)
    ) {
        self.bodyBytes = bodyBytes
        self.headerBytes = headerBytes
        self.headerFieldBytes = headerFieldBytes
        self.headerCount = headerCount
        self.connections = connections
        self.streamsPerConnection = streamsPerConnection
        self.headerTime = headerTime
        self.bodyTime = bodyTime
        self.idleTime = idleTime
        self.stallTime = stallTime
    }

    /// How long input is thrown away after the last response of a connection, so that the response is not lost to a
    /// reset (RFC 9112, section 9.6).
    static let lingerTime = Duration.seconds(2)
    /// How long a connection that is kept open asks nothing until the memory of its task is given back: some tens of
    /// kilobytes. A client at work asks again sooner, and a new task costs it a microsecond.
    static let restTime = Duration.seconds(2)
    /// The unread rest of a refused request that is read and thrown away to keep the connection.
    static let discardableBytes = 64 << 10
}

/// Certificate and key of a listener, both PEM.
public struct EdgeTLS: Sendable, Hashable {
    /// The certificate chain, leaf first.
    public var certificateFile: String
    /// The private key.
    public var keyFile: String

    /// Creates a record.
    public init(certificateFile: String, keyFile: String) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
