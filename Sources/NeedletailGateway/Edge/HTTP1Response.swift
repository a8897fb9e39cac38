import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore

/// Writes the bytes of HTTP/1.1 responses (RFC 9112).
///
/// Header values cannot break out of their line: `HTTPField` replaces CR, LF and NUL when a value is set.
enum HTTP1Response {
    /// How the end of the body is told.
    enum Framing {
        /// By its length.
        case length(Int)
        /// By a last chunk.
        case chunked
        /// By the end of the connection; for HTTP/1.0.
        case close
        /// There is no body and there can be none (204, 304).
        case none
    }

    static func writeHead(
        status: Int,
        headers: HTTPFields,
        framing: Framing,
        connection: StaticString?,
        date: String,
        into out: inout ByteBuffer
    ) {
        out.writeText { text in
            self.writeStatusLine(status, into: &text)
            for field in headers {
                text.write(field.name.rawName)
                text.write(": ")
                text.write(field.value)
                text.write("\r\n")
            }
            switch framing {
            case .length(let length):
                text.write("content-length: ")
                text.write(decimal: length)
                text.write("\r\n")
            case .chunked: text.write("transfer-encoding: chunked\r\n")
            case .close, .none: break
            }
            if let connection { text.write(connection) }
            text.write(date)
            text.write("\r\n")
        }
    }

    /// Writes a chunk's size line: the length in hexadecimal.
    static func writeChunkSize(_ size: Int, into out: inout ByteBuffer) {
        var shift = size == 0 ? 0 : (Int.bitWidth - 1 - size.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: (size >> shift) & 0xF)
            out.writeInteger(digit < 10 ? digit + 0x30 : digit + 0x57)
            shift -= 4
        }
        out.writeStaticString("\r\n")
    }

    private static func writeStatusLine(_ status: Int, into text: inout TextWriter) {
        switch status {
        case 200: text.write("HTTP/1.1 200 OK\r\n")
        case 400: text.write("HTTP/1.1 400 Bad Request\r\n")
        case 401: text.write("HTTP/1.1 401 Unauthorized\r\n")
        case 404: text.write("HTTP/1.1 404 Not Found\r\n")
        case 429: text.write("HTTP/1.1 429 Too Many Requests\r\n")
        case 529: text.write("HTTP/1.1 529 Overloaded\r\n")
        default:
            let known = HTTPResponseStatus(statusCode: status)
            text.write("HTTP/1.1 \(known.code) \(known.reasonPhrase)\r\n")
        }
    }
}
