public import NeedletailCore

extension ProxySetting {
    /// Chooses the proxy for `origin` by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, each also in lower case, which
    /// comes first.
    ///
    /// `NO_PROXY` is a list by commas: `*`, a host, a domain (`.example.com` and `example.com` both cover
    /// `a.example.com`), each with an optional `:port`.
    ///
    /// - Throws: `.invalidRequest` for a proxy URL that cannot be read or is not `http://`.
    public static func fromEnvironment(
        _ environment: [String: String],
        for origin: Origin
    ) throws(NeedletailError) -> ProxySetting {
        let names =
            origin.scheme == .https ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"]
        guard let name = names.first(where: { !(environment[$0] ?? "").isEmpty }), let url = environment[name] else {
            return .none
        }
        let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        guard !Self.isExcepted(origin, by: exceptions) else { return .none }
        let parts: URLParts
        do {
            parts = try URLParts(Self.contains(url, "://") ? url : "http://\(url)")
        } catch {
            throw NeedletailError(.invalidRequest, "\(name) cannot be read. \(error.message)")
        }
        guard parts.scheme == "http" else {
            throw NeedletailError(.invalidRequest, "\(name) must be an http:// URL, not \(parts.scheme)://.")
        }
        let authorization: String?
        if let userInfo = parts.userInfo {
            guard let decoded = Self.percentDecoded(userInfo) else {
                throw NeedletailError(.invalidRequest, "\(name) has a user or password with a broken percent escape.")
            }
            let credentials = decoded.contains(UInt8(ascii: ":")) ? decoded : decoded + [UInt8(ascii: ":")]
            authorization = "Basic \(Self.base64(credentials))"
        } else {
            authorization = nil
        }
        return .http(Proxy(host: parts.host, port: parts.port ?? 80, authorization: authorization))
    }

    private static func isExcepted(_ origin: Origin, by list: String) -> Bool {
        for entry in list.split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }) {
            if entry == "*" { return true }
            var pattern = entry.lowercased()
            if pattern.hasPrefix("["), let close = pattern.firstIndex(of: "]") {
                let tail = pattern[pattern.index(after: close)...]
                if !tail.isEmpty, tail.dropFirst() != "\(origin.port)" { continue }
                pattern = String(pattern[pattern.index(after: pattern.startIndex)..<close])
            } else if pattern.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1,
                let colon = pattern.firstIndex(of: ":")
            {
                guard pattern[pattern.index(after: colon)...] == "\(origin.port)" else { continue }
                pattern = String(pattern[..<colon])
            }
            if pattern.hasPrefix("*.") { pattern.removeFirst() }
            let suffix = pattern.hasPrefix(".") ? pattern : ".\(pattern)"
            if suffix.utf8.count > 1, origin.host == suffix.dropFirst() || origin.host.hasSuffix(suffix) { return true }
        }
        return false
    }

    private static func contains(_ text: String, _ mark: String) -> Bool {
        text.indices.contains { text[$0...].hasPrefix(mark) }
    }

    private static func percentDecoded(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(HexDigit.value), let low = rest.popFirst().flatMap(HexDigit.value)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= 8 * UInt32(3 - group.count)
            for place in 0..<4 {
                let isPadding = place > group.count
                out.append(isPadding ? UInt8(ascii: "=") : letters[Int(bits >> (18 - 6 * UInt32(place)) & 63)])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// Hexadecimal digits in ASCII.
enum HexDigit {
    /// The digit's value; `nil` for another byte.
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }
}
