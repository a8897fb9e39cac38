public import NeedletailCore

/// Scheme, host and port: where an upstream's connections go.
public struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// How an origin is spoken to.
    public enum Scheme: String, Hashable, Sendable {
        /// Plain text.
        case http
        /// Over TLS.
        case https
    }

    /// The scheme.
    public let scheme: Scheme
    /// A name or an address, lower case; an IPv6 address without its brackets.
    public let host: String
    /// The port.
    public let port: Int

    /// Creates an origin from parts that are known to be good.
    public init(scheme: Scheme, host: String, port: Int) {
        self.scheme = scheme
        self.host = host
        self.port = port
    }

    /// Reads the origin of a URL; path and query are checked for nothing and left out.
    ///
    /// - Throws: `.invalidRequest` with a message that says what is wrong and never repeats user information.
    public init(url: String) throws(NeedletailError) {
        let parts = try URLParts(url)
        guard let scheme = Scheme(rawValue: parts.scheme) else {
            throw NeedletailError(.invalidRequest, "The URL's scheme must be http or https, not \"\(parts.scheme)\".")
        }
        guard parts.userInfo == nil else {
            throw NeedletailError(.invalidRequest, "The URL must not hold a user or password.")
        }
        self.init(scheme: scheme, host: parts.host, port: parts.port ?? (scheme == .https ? 443 : 80))
    }

    /// The port that need not be written.
    var defaultPort: Int { self.scheme == .https ? 443 : 80 }

    /// The host as it stands in a URL: an IPv6 address in brackets.
    var bracketedHost: String { self.host.utf8.contains(UInt8(ascii: ":")) ? "[\(self.host)]" : self.host }

    /// What the `host` header says: the port only where it is not the scheme's own.
    package var hostHeader: String {
        self.port == self.defaultPort ? self.bracketedHost : "\(self.bracketedHost):\(self.port)"
    }

    /// Host and port, always both: the target of a `CONNECT`.
    var authority: String { "\(self.bracketedHost):\(self.port)" }

    /// The origin as a URL.
    public var description: String { "\(self.scheme.rawValue)://\(self.hostHeader)" }
}
