import HTTPTypes
import NIOCore
import NeedletailCore

/// Reads one HTTP/1.1 response after another from a connection's bytes (RFC 9112). Pure: no socket, no clock.
///
/// It is stricter than the RFC allows wherever leniency is what smuggling lives on: every line ends in CRLF, nothing is
/// folded, a message has one `content-length` or `transfer-encoding: chunked` and never both. Whatever it refuses, the
/// connection is closed, so it needs no way to recover. `ResponseParserTests` holds it against llhttp.
struct ResponseParser {
    /// What comes next.
    enum Stage: Equatable {
        case statusLine, headers
        case fixedBody(remaining: Int)
        case bodyUntilClose, chunks
        case complete
    }

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
    private var interimCount = 0
    private var lines = MessageLines()
    private var chunks: ChunkedBody

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
        self.chunks = ChunkedBody(trailerBytes: maximumHeaderBytes)
    }

    /// Prepares for the answer to a request.
    mutating func expectResponse(toHead: Bool) {
        self.answersHead = toHead
        self.hasStarted = false
        self.interimCount = 0
        self.lines.restart()
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
    mutating func read(_ bytes: inout ByteBuffer, into body: inout ByteBuffer?) throws(MalformedMessage) {
        if bytes.readableBytes > 0 { self.hasStarted = true }
        while bytes.readableBytes > 0 {
            switch self.stage {
            case .complete:
                return
            case .statusLine:
                guard let line = try self.lines.next(&bytes, limit: self.maximumHeaderBytes) else { return }
                try self.readStatusLine(line)
                self.stage = .headers
            case .headers:
                guard let line = try self.lines.next(&bytes, limit: self.maximumHeaderBytes) else { return }
                if line.readableBytes == 0 { try self.endHead() } else { try self.readField(line) }
            case .fixedBody(let remaining):
                let count = min(remaining, bytes.readableBytes)
                bytes.move(count, to: &body)
                self.stage = count == remaining ? .complete : .fixedBody(remaining: remaining - count)
            case .bodyUntilClose:
                bytes.move(bytes.readableBytes, to: &body)
            case .chunks:
                try self.chunks.read(&bytes, into: &body)
                if self.chunks.isComplete { self.stage = .complete }
            }
        }
    }

    // MARK: Head

    /// `HTTP/1.1 200 OK`; the reason may be missing, with or without the space before it.
    private mutating func readStatusLine(_ line: ByteBuffer) throws(MalformedMessage) {
        let span = line.readableBytesUInt8Span
        let name: StaticString = "HTTP/1."
        guard span.count >= 12, Self.starts(span, with: name) else {
            throw MalformedMessage(reason: "sent something that is not HTTP/1.1")
        }
        switch span[7] {
        case UInt8(ascii: "1"): self.isHTTP10 = false
        case UInt8(ascii: "0"): self.isHTTP10 = true
        default: throw MalformedMessage(reason: "sent an unknown HTTP version")
        }
        var status = 0
        for index in 9..<12 {
            guard span[index] >= 0x30, span[index] <= 0x39 else {
                throw MalformedMessage(reason: "sent an unreadable status")
            }
            status = status * 10 + Int(span[index] - 0x30)
        }
        guard span[8] == 0x20, status >= 100, span.count == 12 || span[12] == 0x20 else {
            throw MalformedMessage(reason: "sent an unreadable status")
        }
        if FieldText.hasControl(span.extracting(12..<span.count)) {
            throw MalformedMessage(reason: "sent a control character in its status line")
        }
        guard status != 101 else { throw MalformedMessage(reason: "switched protocols without being asked") }
        self.status = status
        self.fields = HTTPFields()
        self.fieldCount = 0
        self.contentLength = nil
        self.isChunked = false
        self.saysClose = false
        self.saysKeepAlive = false
    }

    private mutating func readField(_ line: ByteBuffer) throws(MalformedMessage) {
        let field = try FieldLine(line.readableBytesUInt8Span)
        if field.hasControl { throw MalformedMessage(reason: "sent a control character in a header") }
        let name = try self.name(of: line, length: field.name)
        let value =
            line.getString(at: line.readerIndex + field.value.lowerBound, length: field.value.count) ?? ""
        try self.noteFraming(name, value)
        self.fields.append(HTTPField(name: name, value: value))
    }

    private mutating func name(of line: ByteBuffer, length: Int) throws(MalformedMessage) -> HTTPField.Name {
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
            throw MalformedMessage(reason: "sent a header with an invalid name")
        }
        if place < self.knownNames.count {
            self.knownNames[place] = name
        } else if place < Self.mostKnownNames, place == self.knownNames.count {
            self.knownNames.append(name)
        }
        return name
    }

    private mutating func noteFraming(_ name: HTTPField.Name, _ value: String) throws(MalformedMessage) {
        // Most names are told apart by their length alone.
        let length = name.canonicalName.utf8.count
        guard length == 14 || length == 17 || length == 10 else { return }
        switch name.canonicalName {
        case "content-length":
            guard self.contentLength == nil else { throw MalformedMessage(reason: "sent two content-length headers") }
            guard !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(value) else {
                throw MalformedMessage(reason: "sent an unreadable content-length")
            }
            self.contentLength = length
        case "transfer-encoding":
            guard !self.isChunked, value.lowercased() == "chunked" else {
                throw MalformedMessage(reason: "sent a transfer-encoding other than chunked")
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
    private mutating func endHead() throws(MalformedMessage) {
        guard !(self.isChunked && self.contentLength != nil) else {
            throw MalformedMessage(reason: "sent both content-length and transfer-encoding")
        }
        guard !(self.isChunked && self.isHTTP10) else {
            throw MalformedMessage(reason: "sent a transfer-encoding in HTTP/1.0")
        }
        if self.status < 200 {
            self.interimCount += 1
            guard self.interimCount <= Self.maximumInterim else {
                throw MalformedMessage(reason: "sent more than \(Self.maximumInterim) interim responses")
            }
            self.stage = .statusLine
            return
        }
        self.isKeepAlive = self.isHTTP10 ? self.saysKeepAlive && !self.saysClose : !self.saysClose
        self.head = ResponseHead(status: self.status, headers: self.fields)
        self.fields = HTTPFields()
        if self.answersHead || self.status == 204 || self.status == 304 {
            self.stage = .complete
        } else if self.isChunked {
            self.chunks = ChunkedBody(trailerBytes: self.maximumHeaderBytes)
            self.stage = .chunks
        } else if let length = self.contentLength {
            self.stage = length == 0 ? .complete : .fixedBody(remaining: length)
        } else {
            self.isKeepAlive = false
            self.stage = .bodyUntilClose
        }
    }

    // MARK: Bytes

    private static func starts(_ span: Span<UInt8>, with text: StaticString) -> Bool {
        text.withUTF8Buffer { letters in
            guard span.count >= letters.count else { return false }
            for index in letters.indices where unsafe span[index] != letters[index] { return false }
            return true
        }
    }
}
