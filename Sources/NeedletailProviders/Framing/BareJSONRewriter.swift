import NIOCore
import NeedletailCore
import Synchronization

/// Puts the JSON objects of a stream that are no server-sent events into such events; everything else stays as it is.
///
/// Google answers `streamGenerateContent` with one JSON array unless it is asked for `alt=sse`, some gateways before it do
/// so always, and an error may stand bare in the middle of a stream of events. An object is told by a line that begins
/// with its brace, which no line of server-sent events does.
struct BareJSONRewriter: Sendable {
    private enum Place {
        /// At the start of a line.
        case lineStart
        /// In a line of server-sent events.
        case line
        /// Behind an element of an array.
        case between
        /// In a bare object.
        case object
    }

    private let maximumSize: Int
    private var place = Place.lineStart
    private var object = ByteBuffer()
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// - Parameter maximumSize: Of an object, in bytes.
    init(maximumSize: Int = SSEDecoder.defaultMaximumEventSize) {
        self.maximumSize = maximumSize
    }

    /// The stream's next bytes.
    ///
    /// - Throws: `.malformedReply` if an object is larger than allowed.
    mutating func rewrite(_ chunk: ByteBuffer) throws(NeedletailError) -> ByteBuffer {
        var out: ByteBuffer?
        let bytes = chunk.readableBytesUInt8Span
        // What is to be copied as it is begins here.
        var start = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if self.place == .object {
                let from = index
                index = self.scanObject(bytes, index)
                self.keep(bytes, from..<index)
                guard self.object.readableBytes <= self.maximumSize else {
                    throw NeedletailError(
                        .malformedReply, "The provider sent an object of more than \(self.maximumSize) bytes.")
                }
                start = index
                guard self.depth == 0 else { continue }
                self.writeObject(into: &out)
                continue
            }
            if self.place == .line, byte != 0x0A, byte != 0x0D {
                index = SSELine.end(bytes, index)
                continue
            }
            let isKept = self.look(at: byte)
            if !isKept {
                if out == nil { out = ByteBuffer() }
                Self.copy(chunk, start..<index, into: &out)
                // The brace itself is read again, as the object's first byte.
                start = self.place == .object ? index : index + 1
                if self.place == .object { continue }
            }
            index += 1
        }
        guard out != nil || self.place == .object else { return chunk }
        if self.place != .object { Self.copy(chunk, start..<bytes.count, into: &out) }
        return out ?? ByteBuffer()
    }

    /// Sees where a byte outside of objects stands; whether it goes on as it is.
    private mutating func look(at byte: UInt8) -> Bool {
        switch (self.place, byte) {
        case (_, 0x0A), (_, 0x0D):
            if self.place == .line { self.place = .lineStart }
            return true
        case (.line, _): return true
        case (_, UInt8(ascii: "{")):
            self.place = .object
            self.object = ByteBuffer()
            return false
        case (_, UInt8(ascii: "[")), (_, UInt8(ascii: "]")), (_, UInt8(ascii: ",")):
            self.place = .between
            return false
        case (.between, 0x20), (.between, 0x09): return false
        default:
            self.place = .line
            return true
        }
    }

    /// Goes through an object to its end or the chunk's.
    private mutating func scanObject(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if self.isInString {
                if self.isEscaped {
                    self.isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    self.isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    self.isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): self.isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): self.depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                self.depth -= 1
                if self.depth == 0 { return index }
            default: break
            }
        }
        return index
    }

    /// Line ends are white space in JSON, and would end a line of the event.
    private mutating func keep(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        for index in range where bytes[index] != 0x0A && bytes[index] != 0x0D {
            self.object.writeInteger(bytes[index])
        }
    }

    private mutating func writeObject(into out: inout ByteBuffer?) {
        var event = out ?? ByteBuffer()
        // An event that was not closed ends here.
        event.writeStaticString("\ndata: ")
        event.writeImmutableBuffer(self.object)
        event.writeStaticString("\n\n")
        out = event
        self.object = ByteBuffer()
        self.place = .between
    }

    private static func copy(_ chunk: ByteBuffer, _ range: Range<Int>, into out: inout ByteBuffer?) {
        guard !range.isEmpty, let slice = chunk.getSlice(at: chunk.readerIndex + range.lowerBound, length: range.count)
        else { return }
        out?.writeImmutableBuffer(slice)
    }
}

/// A body whose bare objects are events.
final class BareJSONBody: TransportBodySource {
    private let rewriter = Mutex(BareJSONRewriter())
    private let body: TransportBody

    init(_ body: TransportBody) {
        self.body = body
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        while let chunk = try await self.body.next() {
            let result = self.rewriter.withLock { rewriter in
                Result { () throws(NeedletailError) in try rewriter.rewrite(chunk) }
            }
            let bytes = try result.get()
            if bytes.readableBytes > 0 { return bytes }
        }
        return nil
    }

    func cancel() { self.body.cancel() }
    func drain() { self.body.drain() }
}

extension DialectID {
    /// Whether streams may hold JSON that is no server-sent event.
    var streamsBareJSON: Bool { self == .gemini }
}
