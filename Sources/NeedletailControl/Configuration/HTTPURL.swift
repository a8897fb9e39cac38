/// An `http` or `https` URL without user, query or fragment.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
    /// Whether the scheme is `https`.
    public var isSecure: Bool
    /// The host; IPv6 without brackets.
    public var host: String
    /// The port; the scheme's own when none was written.
    public var port: Int
    /// The path without a final slash; empty for none.
    public var path: String

    /// Why a text is no usable URL.
    enum Failure: Error, Equatable {
        case scheme, host, user, query, character
    }

    /// Reads a URL.
    public init?(_ text: String) {
        guard let url = try? Self.parse(text) else { return nil }
        self = url
    }

    private init(isSecure: Bool, host: String, port: Int, path: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.path = path
    }

    static func parse(_ text: String) throws(Failure) -> Self {
        let lowered = text.lowercased()
        let isSecure = lowered.hasPrefix("https://")
        guard isSecure || lowered.hasPrefix("http://") else { throw .scheme }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) else { throw .character }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { throw .user }
        var path = rest[authority.endIndex...]
        guard !path.contains("?"), !path.contains("#") else { throw .query }
        guard let (host, port) = ListenAddress.split(String(authority)), port != 0 else { throw .host }
        while path.hasSuffix("/") { path.removeLast() }
        return Self(
            isSecure: isSecure,
            host: host.lowercased(),
            port: port ?? (isSecure ? 443 : 80),
            path: String(path)
        )
    }

    /// The URL, with its port only where it is not the scheme's own.
    public var description: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        let port = self.port == (self.isSecure ? 443 : 80) ? "" : ":\(self.port)"
        return "\(self.isSecure ? "https" : "http")://\(host)\(port)\(self.path)"
    }
}
