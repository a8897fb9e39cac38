import HTTPTypes
import NIOCore
import NeedletailCore

/// Reads one HTTP/1.1 response after another from a connection's bytes (RFC 9112). Pure: no socket, no clock.
///
/// It is stricter than the RFC allows wherever leniency is what smuggling lives on: every line ends in CRLF, nothing is
/// folded, a message has one `content-length` or `transfer-encoding: chunked` and never both. Whatever it refuses, the
/// connection is closed, so it needs no way to recover. `ResponseParserTests` holds it against llhttp.
struct ResponseParser {
    /// Why bytes are no response.
    struct Malformed: Error {
        /// For people; what the response did, as the end of a sentence.
        let reason: String
    }

    /// What comes next.
    enum Stage: Equatable {
        case statusLine, headers
        case fixedBody(remaining: Int)
        case bodyUntilClose
        case chunkSize, chunkData(remaining: Int), chunkEnd, trailers
        case complete
    }

    /// The longest line that may hold a chunk's size and its extensions.
    private static let maximumChunkLine = 1024
    /// The most interim (1xx) responses before one answer.
    private static let maximumInterim = 32

    private(set) var stage = Stage.complete
    /// The head, once it is whole; whoever reads it takes it with ``takeHead()``.
    private var head: ResponseHead?
    /// Whether the connection may be used again when the message is over.
    private(set) var isKeepAlive = false
    /// Whether any byte of the answer has come.
    private(set) var hasStarted = false

    private let maximumHeaderBytes: Int
    private var answersHead = false
    private var headerBytes = 0
    private var interimCount = 0
    /// The start of a line whose end has not come.
    private var partial = ByteBuffer()

    private var status = 0
    private var isHTTP10 = false
    private var fields = HTTPFields()
    /// The names of the last head in their order: a provider says the same ones again, and making a name checks each letter.
    private var knownNames: [HTTPField.Name] = []
    private var fieldCount = 0
    /// How many names are remembered.
    private static let mostKnownNames = 64
    private var contentLength: Int?
    private var isChunked = false
    private var saysClose = false
    private var saysKeepAlive = false

    init(maximumHeaderBytes: Int) {
        self.maximumHeaderBytes = maximumHeaderBytes
    }

    /// Prepares for the answer to a request.
    mutating func expectResponse(toHead: Bool) {
        self.answersHead = toHead
        self.hasStarted = false
        self.interimCount = 0
        self.headerBytes = 0
        if self.partial.readableBytes > 0 { self.partial = ByteBuffer() }
        self.head = nil
        self.stage = .statusLine
    }

    /// The head, the first time it is asked for after it has become whole.
    mutating func takeHead() -> ResponseHead? {
        guard let head = self.head else { return nil }
        self.head = nil
        return head
    }

    /// Whether the message is over.
    var isComplete: Bool { self.stage == .complete }

    /// Whether the end of the connection is the end of the message.
    var endsWithConnection: Bool { self.stage == .bodyUntilClose }

    /// Reads what `bytes` holds; body bytes are appended to `body`. Bytes after the end of the message stay in `bytes`.
    mutating func read(_ bytes: inout ByteBuffer, into body: inout ByteBuffer?) throws(Malformed) {
        if bytes.readableBytes > 0 { self.hasStarted = true }
        while bytes.readableBytes > 0 {
            switch self.stage {
            case .complete:
                return
            case .statusLine:
                guard let line = try self.line(&bytes, limit: self.maximumHeaderBytes) else { return }
                try self.readStatusLine(line)
                self.stage = .headers
            case .headers:
                guard let line = try self.line(&bytes, limit: self.maximumHeaderBytes) else { return }
                if line.readableBytes == 0 { try self.endHead() } else { try self.readField(line, isTrailer: false) }
            case .fixedBody(let remaining):
                let count = min(remaining, bytes.readableBytes)
                Self.move(count, from: &bytes, to: &body)
                self.stage = count == remaining ? .complete : .fixedBody(remaining: remaining - count)
            case .bodyUntilClose:
                Self.move(bytes.readableBytes, from: &bytes, to: &body)
            case .chunkSize:
                guard let line = try self.line(&bytes, limit: Self.maximumChunkLine) else { return }
                let size = try Self.chunkSize(line)
                self.headerBytes = 0
                self.stage = size == 0 ? .trailers : .chunkData(remaining: size)
            case .chunkData(let remaining):
                let count = min(remaining, bytes.readableBytes)
                Self.move(count, from: &bytes, to: &body)
                self.stage = count == remaining ? .chunkEnd : .chunkData(remaining: remaining - count)
            case .chunkEnd:
                guard let line = try self.line(&bytes, limit: Self.maximumChunkLine) else { return }
                guard line.readableBytes == 0 else { throw Malformed(reason: "sent a chunk longer than its size") }
                self.stage = .chunkSize
            case .trailers:
                guard let line = try self.line(&bytes, limit: self.maximumHeaderBytes) else { return }
                if line.readableBytes == 0 {
                    self.stage = .complete
                } else {
                    try self.readField(line, isTrailer: true)
                }
            }
        }
    }

    // MARK: Lines

    /// The next line without its CRLF, or `nil` if it has not all come. `limit` is for all lines of a section.
    private mutating func line(_ bytes: inout ByteBuffer, limit: Int) throws(Malformed) -> ByteBuffer? {
        let end = Self.lineFeed(bytes)
        let count = end.map { $0 + 1 } ?? bytes.readableBytes
        guard self.headerBytes + count <= limit else {
            throw Malformed(reason: "sent a head or a line of more than \(limit) bytes")
        }
        self.headerBytes += count
        guard var line = bytes.readSlice(length: count) else { return nil }
        if self.partial.readableBytes > 0 {
            self.partial.writeBuffer(&line)
            guard end != nil else { return nil }
            line = self.partial
            self.partial = ByteBuffer()
        } else if end == nil {
            self.partial = line
            return nil
        }
        let length = line.readableBytes
        guard length >= 2, line.readableBytesUInt8Span[length - 2] == 0x0D else {
            throw Malformed(reason: "sent a line that does not end in CRLF")
        }
        if self.stage == .chunkSize || self.stage == .chunkEnd { self.headerBytes = 0 }
        line.moveWriterIndex(to: line.writerIndex - 2)
        return line
    }

    private static func lineFeed(_ bytes: ByteBuffer) -> Int? {
        let span = bytes.readableBytesUInt8Span
        for index in span.indices where span[index] == 0x0A { return index }
        return nil
    }

    private static func move(_ count: Int, from bytes: inout ByteBuffer, to body: inout ByteBuffer?) {
        guard count > 0, var slice = bytes.readSlice(length: count) else { return }
        if body == nil { body = slice } else { body?.writeBuffer(&slice) }
    }

    // MARK: Head

    /// `HTTP/1.1 200 OK`; the reason may be missing, with or without the space before it.
    private mutating func readStatusLine(_ line: ByteBuffer) throws(Malformed) {
        let span = line.readableBytesUInt8Span
        let name: StaticString = "HTTP/1."
        guard span.count >= 12, Self.starts(span, with: name) else {
            throw Malformed(reason: "sent something that is not HTTP/1.1")
        }
        switch span[7] {
        case UInt8(ascii: "1"): self.isHTTP10 = false
        case UInt8(ascii: "0"): self.isHTTP10 = true
        default: throw Malformed(reason: "sent an unknown HTTP version")
        }
        var status = 0
        for index in 9..<12 {
            guard span[index] >= 0x30, span[index] <= 0x39 else { throw Malformed(reason: "sent an unreadable status") }
            status = status * 10 + Int(span[index] - 0x30)
        }
        guard span[8] == 0x20, status >= 100, span.count == 12 || span[12] == 0x20 else {
            throw Malformed(reason: "sent an unreadable status")
        }
        if FieldText.hasControl(span.extracting(12..<span.count)) {
            throw Malformed(reason: "sent a control character in its status line")
        }
        guard status != 101 else { throw Malformed(reason: "switched protocols without being asked") }
        self.status = status
        self.fields = HTTPFields()
        self.fieldCount = 0
        self.contentLength = nil
        self.isChunked = false
        self.saysClose = false
        self.saysKeepAlive = false
    }

    private mutating func readField(_ line: ByteBuffer, isTrailer: Bool) throws(Malformed) {
        let span = line.readableBytesUInt8Span
        var colon = 0
        while colon < span.count, span[colon] != UInt8(ascii: ":") { colon += 1 }
        guard colon > 0, colon < span.count else { throw Malformed(reason: "sent a header line without a name") }
        var start = colon + 1
        var end = span.count
        while start < end, span[start] == 0x20 || span[start] == 0x09 { start += 1 }
        while end > start, span[end - 1] == 0x20 || span[end - 1] == 0x09 { end -= 1 }
        if FieldText.hasControl(span.extracting(start..<end)) {
            throw Malformed(reason: "sent a control character in a header")
        }
        let base = line.readerIndex
        let name = try self.name(of: line, length: colon)
        if isTrailer { return }
        let value = line.getString(at: base + start, length: end - start) ?? ""
        try self.noteFraming(name, value)
        self.fields.append(HTTPField(name: name, value: value))
    }

    private mutating func name(of line: ByteBuffer, length: Int) throws(Malformed) -> HTTPField.Name {
        let place = self.fieldCount
        self.fieldCount += 1
        if place < self.knownNames.count {
            let known = self.knownNames[place]
            let (said, wanted) = (line.readableBytesUInt8Span, known.rawName.utf8.span)
            var isSame = wanted.count == length
            if isSame { for index in wanted.indices where said[index] != wanted[index] { isSame = false } }
            if isSame { return known }
        }
        guard let text = line.getString(at: line.readerIndex, length: length), let name = HTTPField.Name(text) else {
            throw Malformed(reason: "sent a header with an invalid name")
        }
        if place < self.knownNames.count {
            self.knownNames[place] = name
        } else if place < Self.mostKnownNames, place == self.knownNames.count {
            self.knownNames.append(name)
        }
        return name
    }

    private mutating func noteFraming(_ name: HTTPField.Name, _ value: String) throws(Malformed) {
        // Most names are told apart by their length alone.
        let length = name.canonicalName.utf8.count
        guard length == 14 || length == 17 || length == 10 else { return }
        switch name.canonicalName {
        case "content-length":
            guard self.contentLength == nil else { throw Malformed(reason: "sent two content-length headers") }
            guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(value) else {
                throw Malformed(reason: "sent an unreadable content-length")
            }
            self.contentLength = length
        case "transfer-encoding":
            guard !self.isChunked, value.lowercased() == "chunked" else {
                throw Malformed(reason: "sent a transfer-encoding other than chunked")
            }
            self.isChunked = true
        case "connection":
            for token in value.split(separator: ",") {
                switch token.filter({ $0 != " " && $0 != "\t" }).lowercased() {
                case "close": self.saysClose = true
                case "keep-alive": self.saysKeepAlive = true
                default: break
                }
            }
        default:
            break
        }
    }

    /// Decides how the body is framed (RFC 9112, 6.3).
    private mutating func endHead() throws(Malformed) {
        guard !(self.isChunked && self.contentLength != nil) else {
            throw Malformed(reason: "sent both content-length and transfer-encoding")
        }
        guard !(self.isChunked && self.isHTTP10) else {
            throw Malformed(reason: "sent a transfer-encoding in HTTP/1.0")
        }
        if self.status < 200 {
            self.interimCount += 1
            guard self.interimCount <= Self.maximumInterim else {
                throw Malformed(reason: "sent more than \(Self.maximumInterim) interim responses")
            }
            self.stage = .statusLine
            return
        }
        self.isKeepAlive = self.isHTTP10 ? self.saysKeepAlive && !self.saysClose : !self.saysClose
        self.head = ResponseHead(status: self.status, headers: self.fields)
        self.fields = HTTPFields()
        self.headerBytes = 0
        if self.answersHead || self.status == 204 || self.status == 304 {
            self.stage = .complete
        } else if self.isChunked {
            self.stage = .chunkSize
        } else if let length = self.contentLength {
            self.stage = length == 0 ? .complete : .fixedBody(remaining: length)
        } else {
            self.isKeepAlive = false
            self.stage = .bodyUntilClose
        }
    }

    // MARK: Bytes

    /// A chunk's size in hexadecimal, with extensions that mean nothing to us.
    private static func chunkSize(_ line: ByteBuffer) throws(Malformed) -> Int {
        let span = line.readableBytesUInt8Span
        var size = 0
        var index = 0
        while index < span.count, let digit = HexDigit.value(span[index]) {
            // 15 digits are more than any body has and cannot overflow.
            guard index < 15 else { throw Malformed(reason: "sent an impossible chunk size") }
            size = size << 4 | Int(digit)
            index += 1
        }
        guard index > 0, index == span.count || span[index] == UInt8(ascii: ";") else {
            throw Malformed(reason: "sent an unreadable chunk size")
        }
        if FieldText.hasControl(span.extracting(index..<span.count)) {
            throw Malformed(reason: "sent a control character in a chunk's size line")
        }
        return size
    }

    private static func starts(_ span: Span<UInt8>, with text: StaticString) -> Bool {
        text.withUTF8Buffer { letters in
            guard span.count >= letters.count else { return false }
            for index in letters.indices where unsafe span[index] != letters[index] { return false }
            return true
        }
    }
}
