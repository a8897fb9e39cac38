import NeedletailCore

/// The authority part of an absolute URL (RFC 3986, 3.2), as far as an origin or a proxy needs it.
struct URLParts {
    /// Lower case.
    let scheme: String
    /// What stands before the `@`, still percent-encoded.
    let userInfo: String?
    /// Lower case, without brackets.
    let host: String
    let port: Int?

    /// - Throws: `.invalidRequest`; the message never holds the user information.
    init(_ url: String) throws(NeedletailError) {
        guard let mark = Self.firstRange(of: "://", in: url), mark.lowerBound != url.startIndex else {
            throw Self.error("must begin with http:// or https://")
        }
        self.scheme = url[..<mark.lowerBound].lowercased()
        let rest = url[mark.upperBound...]
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let sign = authority.lastIndex(of: "@") {
            self.userInfo = String(authority[..<sign])
            authority = authority[authority.index(after: sign)...]
        } else {
            self.userInfo = nil
        }
        let host: Substring
        let tail: Substring
        if authority.first == "[" {
            guard let close = authority.firstIndex(of: "]") else { throw Self.error("has an unclosed \"[\"") }
            host = authority[authority.index(after: authority.startIndex)..<close]
            tail = authority[authority.index(after: close)...]
            guard !host.isEmpty, host.utf8.allSatisfy(Self.isAddressByte) else {
                throw Self.error("holds no valid IPv6 address")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            tail = authority[host.endIndex...]
            guard !host.isEmpty else { throw Self.error("has no host") }
            guard host.utf8.count <= 253, host.utf8.allSatisfy(Self.isNameByte) else {
                throw Self.error("has a host with characters that a host name cannot hold")
            }
        }
        self.host = host.lowercased()
        if tail.isEmpty || tail == ":" {
            self.port = nil
        } else {
            let digits = tail.dropFirst()
            guard tail.first == ":", digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(digits),
                (1...65_535).contains(port)
            else { throw Self.error("has a port that is no number from 1 to 65535") }
            self.port = port
        }
    }

    private static func error(_ what: String) -> NeedletailError {
        NeedletailError(.invalidRequest, "The URL \(what).")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func firstRange(of mark: String, in text: String) -> Range<String.Index>? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(mark) { return start..<text.index(start, offsetBy: mark.count) }
            start = text.index(after: start)
        }
        return nil
    }
}
