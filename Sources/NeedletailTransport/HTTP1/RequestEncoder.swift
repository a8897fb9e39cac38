package import HTTPTypes
import NIOCore
import NeedletailCore

/// Writes the head of an HTTP/1.1 request, and its body beside it when that is small.
///
/// Nothing that could end a line gets out: a path or header with CR, LF, NUL or another control character is refused,
/// and headers that frame the message or name the host are ours alone.
package struct RequestEncoder {
    /// The largest body that is copied behind the head, so that one write carries both.
    static let inlineBodyBytes = 16 << 10

    /// The path's prefix: empty, or scheme and authority for a plain-text proxy (absolute form, RFC 9112, 3.2.2).
    private let pathPrefix: String
    /// Everything between the path and the request's own headers.
    private let commonHeaders: String

    init(origin: Origin, proxy: ProxySetting) {
        var headers = " HTTP/1.1\r\nhost: \(origin.hostHeader)\r\naccept-encoding: identity\r\n"
        if origin.scheme == .http, case .http(let proxy) = proxy {
            self.pathPrefix = "http://\(origin.hostHeader)"
            if let authorization = proxy.authorization { headers += "proxy-authorization: \(authorization)\r\n" }
        } else {
            self.pathPrefix = ""
        }
        self.commonHeaders = headers
    }

    /// Encodes `request`.
    ///
    /// - Returns: The head, with the body behind it if that is small enough; else the body is to be written after it.
    /// - Throws: `.invalidRequest` for what cannot be sent as HTTP.
    func encode(
        _ request: TransportRequest,
        allocator: ByteBufferAllocator
    ) throws(NeedletailError) -> (head: ByteBuffer, includesBody: Bool) {
        let bodyBytes = request.body.readableBytes
        let inlines = bodyBytes <= Self.inlineBodyBytes
        var out = allocator.buffer(capacity: 512 + (inlines ? bodyBytes : 0))
        try Self.checkPath(request.path)
        try out.writeText { (text) throws(NeedletailError) in
            text.write(request.method.rawValue)
            text.write(" ")
            text.write(self.pathPrefix)
            text.write(request.path)
            text.write(self.commonHeaders)
            for field in request.headers where !Self.isOurs(field.name) {
                try Self.check(field)
                text.write(field.name.canonicalName)
                text.write(": ")
                text.write(field.value)
                text.write("\r\n")
            }
            if bodyBytes > 0 || Self.alwaysSaysLength(request.method) {
                text.write("content-length: ")
                text.write(decimal: bodyBytes)
                text.write("\r\n")
            }
            text.write("\r\n")
        }
        if inlines, bodyBytes > 0 { out.writeImmutableBuffer(request.body) }
        return (out, inlines)
    }

    /// - Throws: `.invalidRequest` for a path that is empty, does not begin with a slash or holds what ends a line or a
    ///   word.
    static func checkPath(_ path: String) throws(NeedletailError) {
        let bytes = path.utf8.span
        var isSound = bytes.count > 0 && bytes[0] == UInt8(ascii: "/")
        for index in bytes.indices where bytes[index] <= 0x20 || bytes[index] >= 0x7F { isSound = false }
        guard isSound else {
            throw NeedletailError(
                .invalidRequest,
                "The request's path must begin with \"/\" and hold no space, control or non-ASCII character."
            )
        }
    }

    /// - Throws: `.invalidRequest` for a value with a control character; the message names the header, not the value.
    static func check(_ field: HTTPField) throws(NeedletailError) {
        guard !FieldText.hasControl(field.value) else {
            throw NeedletailError(
                .invalidRequest, "The header \"\(field.name.canonicalName)\" holds a control character."
            )
        }
    }

    /// Whether the transport alone writes this header.
    package static func isOurs(_ name: HTTPField.Name) -> Bool {
        let name = name.canonicalName
        // Most names are told apart by their length alone.
        guard name.utf8.count < 32, Self.ownLengths >> UInt32(name.utf8.count) & 1 == 1 else { return false }
        return switch name {
        case "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer",
            "expect", "accept-encoding", "proxy-authorization", "proxy-connection", "http2-settings":
            true
        default: false
        }
    }

    /// A bit for each length of the names above.
    private static let ownLengths: UInt32 = [2, 4, 6, 7, 10, 14, 15, 16, 17, 19].reduce(0) { $0 | 1 << $1 }

    /// Whether a request of this method says `content-length: 0` (RFC 9110, 8.6).
    static func alwaysSaysLength(_ method: HTTPRequest.Method) -> Bool {
        method == .post || method == .put || method == .patch
    }
}
