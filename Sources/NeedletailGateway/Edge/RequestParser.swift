import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailTransport

/// Reads one HTTP/1.1 request after another from a connection's bytes (RFC 9112). Pure: no socket, no clock.
///
/// As strict as `ResponseParser` is with upstreams: every line ends in CRLF, nothing is folded, a message has one
/// `content-length` or `transfer-encoding: chunked` and never both. `RequestParserTests` holds it against llhttp: what it
/// accepts, llhttp accepts and reads alike.
struct RequestParser {
    /// A part of a request.
    enum Part {
        case head(HTTPRequestHead, RequestFacts)
        case body(ByteBuffer)
        case end
    }

    /// Why bytes are no request; what follows them is not read.
    struct Fault: Error, Equatable {
        /// The status that tells the client.
        let status: Int
        /// For people; what the client did, as the end of a sentence.
        let reason: String

        static func malformed(_ reason: String) -> Fault { Fault(status: 400, reason: reason) }
        static let tooLarge = Fault(status: 431, reason: "sent headers that are too large")
    }

    private enum Stage {
        case head
        case fixedBody(remaining: Int)
        case chunks(ChunkedBody)
        /// Nothing that comes is read.
        case failed
    }

    private var stage = Stage.head
    /// The start of a head whose end has not come.
    private var partial: ByteBuffer?
    /// The bytes of `partial` that make whole lines.
    private var lines = 0
    private var emptyLines = 0

    /// Whether the start of a head has come and not its end.
    var isInHead: Bool { self.partial != nil }

    /// The next part that `bytes` holds, or `nil` if it has not all come. What is read is taken from `bytes`.
    mutating func next(
        _ bytes: inout ByteBuffer, limits: EdgeLimits, names: inout HeaderNames
    ) throws(Fault) -> Part? {
        do throws(Fault) {
            return try self.part(&bytes, limits, &names)
        } catch {
            self.stage = .failed
            self.partial = nil
            throw error
        }
    }

    private mutating func part(
        _ bytes: inout ByteBuffer, _ limits: EdgeLimits, _ names: inout HeaderNames
    ) throws(Fault) -> Part? {
        switch self.stage {
        case .head:
            guard let section = try self.section(&bytes, limits) else { return nil }
            let (head, facts) = try Self.head(section, limits, &names)
            self.stage =
                if !facts.isFramed {
                    .failed
                } else if facts.isChunked {
                    .chunks(ChunkedBody(trailerBytes: limits.headerBytes))
                } else {
                    .fixedBody(remaining: facts.contentLength ?? 0)
                }
            return .head(head, facts)
        case .fixedBody(let remaining):
            guard remaining > 0 else {
                self.stage = .head
                return .end
            }
            guard let slice = bytes.readSlice(length: min(remaining, bytes.readableBytes)), slice.readableBytes > 0
            else { return nil }
            self.stage = .fixedBody(remaining: remaining - slice.readableBytes)
            return .body(slice)
        case .chunks(var chunks):
            // Only one may hold what it has read of a line: it is appended to in place.
            self.stage = .failed
            var body: ByteBuffer?
            do throws(MalformedMessage) {
                try chunks.read(&bytes, into: &body)
            } catch {
                throw .malformed(error.reason)
            }
            // Its end is told by the next call.
            self.stage = chunks.isComplete ? .fixedBody(remaining: 0) : .chunks(chunks)
            if let body { return .body(body) }
            return chunks.isComplete ? try self.part(&bytes, limits, &names) : nil
        case .failed:
            bytes = ByteBuffer()
            return nil
        }
    }

    // MARK: The end of a head

    /// The lines of a head, without the empty one at its end.
    private mutating func section(_ bytes: inout ByteBuffer, _ limits: EdgeLimits) throws(Fault) -> ByteBuffer? {
        while bytes.readableBytes > 0 {
            var all = bytes
            if var partial = self.partial {
                self.partial = nil  // so that the bytes are appended in place
                partial.writeBuffer(&bytes)
                all = partial
            }
            let span = all.readableBytesUInt8Span
            // What cannot become a request, such as a TLS handshake, has no line to wait for.
            guard FieldLine.isToken(span[0]) || span[0] == 0x0D else { throw .malformed("sent no method") }
            let (start, end) = try Self.emptyLine(span, from: self.lines)
            guard start <= Self.mostBytes(limits) else { throw .tooLarge }
            guard let end else {
                // The line's end may have come without its line feed.
                let isShort = span.count - start <= limits.headerFieldBytes + Self.lineSurplus + 1
                guard isShort, span.count <= Self.mostBytes(limits) + 2 else { throw .tooLarge }
                self.lines = start
                self.partial = all
                bytes = ByteBuffer()
                return nil
            }
            self.lines = 0
            bytes = all
            let section = bytes.readSlice(length: start)
            bytes.moveReaderIndex(forwardBy: end + 1 - start)
            if start > 0 {
                self.emptyLines = 0
                return section
            }
            // Before a request an empty line is passed over (RFC 9112, section 2.2).
            self.emptyLines += 1
            guard self.emptyLines <= Self.mostEmptyLines else { throw .malformed("sent nothing but empty lines") }
        }
        return nil
    }

    /// Looks for the empty line at the end of a head.
    ///
    /// - Returns: Where the last line begins that was looked at, and where it ends if it is the empty one.
    private static func emptyLine(_ span: Span<UInt8>, from start: Int) throws(Fault) -> (start: Int, end: Int?) {
        var start = start
        while let end = ByteSearch.lineFeed(span, from: start) {
            guard end > start, span[end - 1] == 0x0D else { throw .malformed("sent a line that does not end in CRLF") }
            if end == start + 1 { return (start, end) }
            start = end + 1
        }
        return (start, nil)
    }

    /// What a line may have beside a header's name and value, or a target.
    private static let lineSurplus = 64
    /// Empty lines before a request: a client that has nothing else to say is told so.
    private static let mostEmptyLines = 8

    /// All bytes of a head.
    private static func mostBytes(_ limits: EdgeLimits) -> Int {
        limits.headerBytes + limits.headerFieldBytes + 4 * limits.headerCount
    }

    // MARK: The lines of a head

    private static func head(
        _ section: ByteBuffer, _ limits: EdgeLimits, _ names: inout HeaderNames
    ) throws(Fault) -> (HTTPRequestHead, RequestFacts) {
        let span = section.readableBytesUInt8Span
        func text(_ range: Range<Int>) -> String {
            section.getString(at: section.readerIndex + range.lowerBound, length: range.count) ?? ""
        }
        guard var end = ByteSearch.lineFeed(span) else { throw .malformed("sent no request line") }
        let line = try RequestLine(span.extracting(0..<(end - 1)))
        let mostOfLine = limits.headerFieldBytes + Self.lineSurplus
        guard line.target.count <= limits.headerFieldBytes, end - 1 <= mostOfLine else { throw .tooLarge }
        let method: HTTPMethod =
            switch line.method {
            case .post: .POST
            case .get: .GET
            case .other: HTTPMethod(rawValue: text(0..<line.target.lowerBound - 1))
            }
        if case .RAW = method { throw .malformed("sent a method that is not known") }

        var facts = RequestFacts()
        var headers: [(String, String)] = []
        headers.reserveCapacity(12)
        var total = 0
        var start = end + 1
        while start < span.count, let next = ByteSearch.lineFeed(span, from: start) {
            end = next
            let (name, value, hasControl) = try Self.field(section, start..<(end - 1), headers.count, &names)
            let size = name.utf8.count + value.utf8.count
            total += size
            guard size <= limits.headerFieldBytes, end - 1 - start <= mostOfLine, total <= limits.headerBytes,
                headers.count < limits.headerCount
            else { throw .tooLarge }
            facts.note(name, value, hasControl: hasControl)
            headers.append((name, value))
            start = end + 1
        }
        facts.note(method)
        let head = HTTPRequestHead(
            version: line.isOld ? .http1_0 : .http1_1, method: method, uri: text(line.target),
            headers: HTTPHeaders(headers))
        return (head, facts)
    }

    @inline(__always)
    private static func field(
        _ section: ByteBuffer, _ range: Range<Int>, _ place: Int, _ names: inout HeaderNames
    ) throws(Fault) -> (name: String, value: String, hasControl: Bool) {
        let line = section.readableBytesUInt8Span.extracting(range)
        do throws(MalformedMessage) {
            let field = try FieldLine(line)
            let name = try names.name(place, line.extracting(0..<field.name))
            let value = section.getString(
                at: section.readerIndex + range.lowerBound + field.value.lowerBound, length: field.value.count)
            return (name, value ?? "", field.hasControl)
        } catch {
            throw .malformed(error.reason)
        }
    }
}
