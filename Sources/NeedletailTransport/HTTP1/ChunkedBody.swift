package import NIOCore
import NeedletailCore

/// Reads a body in chunks, and the trailers behind it, which are checked and thrown away (RFC 9112, section 7.1).
package struct ChunkedBody {
    private enum Stage {
        case size
        case data(remaining: Int)
        case dataEnd, trailers, complete
    }

    /// The longest line that may hold a chunk's size and its extensions.
    private static let maximumLine = 1024

    private var stage = Stage.size
    private var lines = MessageLines()
    private let trailerBytes: Int

    /// - Parameter trailerBytes: The most bytes of all trailers.
    package init(trailerBytes: Int) {
        self.trailerBytes = trailerBytes
    }

    /// Whether all of it has been read.
    package var isComplete: Bool {
        if case .complete = self.stage { true } else { false }
    }

    /// Reads what `bytes` holds; what it carries is appended to `body`. Bytes after the end stay in `bytes`.
    package mutating func read(
        _ bytes: inout ByteBuffer, into body: inout ByteBuffer?
    ) throws(MalformedMessage) {
        while bytes.readableBytes > 0 {
            switch self.stage {
            case .size:
                guard let line = try self.lines.next(&bytes, limit: Self.maximumLine) else { return }
                self.lines.restart()
                let size = try Self.size(line)
                self.stage = size == 0 ? .trailers : .data(remaining: size)
            case .data(let remaining):
                let count = min(remaining, bytes.readableBytes)
                bytes.move(count, to: &body)
                self.stage = count == remaining ? .dataEnd : .data(remaining: remaining - count)
            case .dataEnd:
                guard let line = try self.lines.next(&bytes, limit: Self.maximumLine) else { return }
                self.lines.restart()
                guard line.readableBytes == 0 else {
                    throw MalformedMessage(reason: "sent a chunk longer than its size")
                }
                self.stage = .size
            case .trailers:
                guard let line = try self.lines.next(&bytes, limit: self.trailerBytes) else { return }
                guard line.readableBytes > 0 else {
                    self.stage = .complete
                    return
                }
                let span = line.readableBytesUInt8Span
                let field = try FieldLine(span)
                try FieldLine.checkName(span.extracting(0..<field.name))
                if field.hasControl {
                    throw MalformedMessage(reason: "sent a control character in a header")
                }
            case .complete: return
            }
        }
    }

    /// A chunk's size in hexadecimal, with extensions that mean nothing to us.
    private static func size(_ line: ByteBuffer) throws(MalformedMessage) -> Int {
        let span = line.readableBytesUInt8Span
        var size = 0
        var index = 0
        while index < span.count, let digit = HexDigit.value(span[index]) {
            // 15 digits are more than any body has and cannot overflow.
            guard index < 15 else { throw MalformedMessage(reason: "sent an impossible chunk size") }
            size = size << 4 | Int(digit)
            index += 1
        }
        guard index > 0, index == span.count || span[index] == UInt8(ascii: ";") else {
            throw MalformedMessage(reason: "sent an unreadable chunk size")
        }
        // The tab too, which extensions may have and others refuse.
        for place in index..<span.count where span[place] < 0x20 || span[place] == 0x7F {
            throw MalformedMessage(reason: "sent a control character in a chunk's size line")
        }
        return size
    }
}

extension ByteBuffer {
    /// Moves the next bytes into `body`, which shares them where it is empty.
    package mutating func move(_ count: Int, to body: inout ByteBuffer?) {
        guard count > 0, var slice = self.readSlice(length: count) else { return }
        if body == nil { body = slice } else { body?.writeBuffer(&slice) }
    }
}
