import NeedletailTransport

/// Where the parts of a request's first line are (RFC 9112, section 3).
struct RequestLine {
    enum Method {
        case get, post
        /// What stands before the target.
        case other
    }

    let method: Method
    /// Where the target is: a space behind the method.
    let target: Range<Int>
    /// Whether it is HTTP/1.0, and 1.1 otherwise.
    let isOld: Bool

    /// Reads a line without its CRLF: `POST /v1/messages HTTP/1.1`.
    init(_ line: Span<UInt8>) throws(RequestParser.Fault) {
        var index = 0
        while index < line.count, FieldLine.isToken(line[index]) { index += 1 }
        guard index > 0, index < line.count, line[index] == 0x20 else { throw .malformed("sent no request line") }
        self.method = Self.method(line.extracting(0..<index))
        let start = index + 1
        index = start
        while index < line.count, line[index] > 0x20, line[index] < 0x7F { index += 1 }
        let isConnect = Self.matches(line, "CONNECT ")
        guard index > start, index < line.count, line[index] == 0x20,
            isConnect || Self.isTarget(line.extracting(start..<index))
        else {
            throw .malformed("sent a request line without a target")
        }
        self.target = start..<index
        let version = line.extracting((index + 1)..<line.count)
        guard version.count == 8, Self.matches(version, "HTTP/1."), version[7] == 0x31 || version[7] == 0x30 else {
            throw .malformed("sent a request line that is not HTTP/1.1")
        }
        self.isOld = version[7] == 0x30
    }

    private static func method(_ name: Span<UInt8>) -> Method {
        switch name.count {
        case 3 where Self.matches(name, "GET"): .get
        case 4 where Self.matches(name, "POST"): .post
        default: .other
        }
    }

    /// A path, a whole URL, or a star (RFC 9112, section 3.2). The fourth form is for CONNECT alone, which is not served.
    private static func isTarget(_ target: Span<UInt8>) -> Bool {
        guard target.count > 0, target[0] != UInt8(ascii: "/") else { return target.count > 0 }
        if target[0] == UInt8(ascii: "*") { return target.count == 1 }
        var index = 0
        while index < target.count, target[index] | 0x20 >= 0x61, target[index] | 0x20 <= 0x7A { index += 1 }
        return index > 0 && index < target.count && Self.matches(target.extracting(index..<target.count), "://")
    }

    private static func matches(_ bytes: Span<UInt8>, _ start: StaticString) -> Bool {
        guard bytes.count >= start.utf8CodeUnitCount else { return false }
        for index in 0..<start.utf8CodeUnitCount where unsafe bytes[index] != start.utf8Start[index] { return false }
        return true
    }
}
