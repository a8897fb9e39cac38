package import NIOHTTP1

/// Where clients put their key.
package enum Credential {
    /// The key of a request: `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`, `?key=`, in this order.
    package static func find(in head: HTTPRequestHead) -> String? {
        if let value = head.headers.first(name: "authorization"), let token = self.bearer(value) { return token }
        for name in ["x-api-key", "api-key", "x-goog-api-key"] {
            if let value = head.headers.first(name: name), !value.isEmpty { return value }
        }
        return self.query(head.uri)
    }

    /// Headers whose value proves who asks, and nothing else. What others may choose beside, a `helicone-auth` or an
    /// `x-tenant-key`, only who made them knows.
    private static let headers: Set<String> = [
        "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization",
    ]

    /// Whether a header of this name proves who asks, and does nothing else.
    package static func isCredential(_ name: String) -> Bool {
        self.headers.contains(name.lowercased())
    }

    /// The token of `Bearer <token>`; the scheme in any case (RFC 9110, section 11.1).
    private static func bearer(_ value: String) -> String? {
        let units = value.utf8
        let scheme: StaticString = "bearer "
        var index = units.startIndex
        for offset in 0..<scheme.utf8CodeUnitCount {
            // Letters in any case; the space has no case bit to lose.
            guard index != units.endIndex, unsafe units[index] | 0x20 == scheme.utf8Start[offset] else { return nil }
            index = units.index(after: index)
        }
        let token = units[index...].drop { $0 == 0x20 }
        return token.isEmpty ? nil : String(Substring(token))
    }

    private static func query(_ uri: String) -> String? {
        guard let mark = uri.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        for pair in uri[uri.index(after: mark)...].split(separator: "&") where pair.hasPrefix("key=") {
            return PercentEncoding.decoded(pair.dropFirst(4)).flatMap { $0.isEmpty ? nil : $0 }
        }
        return nil
    }
}
