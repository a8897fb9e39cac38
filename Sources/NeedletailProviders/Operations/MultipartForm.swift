import NIOCore
import NeedletailCore

/// A form with files (RFC 7578), as far as a gateway looks into it: where the value of `model` stands, and of `stream`.
struct MultipartForm {
    /// Where the model's name stands, from the body's reader index.
    private(set) var model: Range<Int>?
    /// Whether the reply is to be streamed.
    private(set) var isStreaming = false
    /// How many answers are asked for (`n`).
    private(set) var choices = 1
    /// As far as a part's header lines are read, in bytes: what Node's busboy takes.
    private static let headerLimit = 16 << 10
    /// What cuts the body, and where it stands first, from the body's reader index.
    private let marker: [UInt8]
    private let start: Int

    /// - Throws: `.invalidRequest` if the type names no boundary or the body is not cut by it.
    init(_ body: ByteBuffer, contentType: String) throws(NeedletailError) {
        guard let boundary = Self.boundary(contentType) else {
            throw NeedletailError(.invalidRequest, "The content-type must be multipart/form-data with a boundary.")
        }
        let bytes = body.readableBytesUInt8Span
        let marker = Array(("--" + boundary).utf8)
        var parts: [Int] = []
        var index = 0
        while let found = Self.find(marker, in: bytes, from: index) {
            parts.append(found)
            index = found + marker.count
        }
        guard parts.count > 1 else {
            throw NeedletailError(.invalidRequest, "The body is no form cut by the boundary of its content-type.")
        }
        self.marker = marker
        self.start = parts[0]
        for (start, end) in zip(parts, parts.dropFirst()) {
            self.read(body, bytes, (start + marker.count)..<end)
        }
    }

    private mutating func read(_ body: ByteBuffer, _ bytes: Span<UInt8>, _ part: Range<Int>) {
        let gap = Array("\r\n\r\n".utf8)
        guard
            let head = Self.find(
                gap, in: bytes, from: part.lowerBound, to: min(part.upperBound, part.lowerBound + Self.headerLimit))
        else { return }
        let value = (head + 4)..<max(head + 4, part.upperBound - 2)
        switch PartName(header: Self.text(body, part.lowerBound..<head)).text {
        case "model": self.model = value
        case "stream": self.isStreaming = Self.text(body, value) == "true"
        case "n":
            // As generous as any provider's reader: what is held for must be no less than what is answered.
            let text = Self.text(body, value).filter { !$0.isWhitespace }
            let count = Double(text).flatMap { $0.isFinite ? min($0.rounded(.up), Double(Int32.max)) : nil } ?? 1
            self.choices = max(self.choices, Int(max(1, count)))
        default: break
        }
    }

    /// The form with a part that names the model before the others, and where its name stands.
    func naming(_ model: String, in body: ByteBuffer) -> (body: ByteBuffer, model: Range<Int>) {
        var part = ByteBuffer(bytes: self.marker)
        part.writeStaticString("\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n")
        let place = self.start + part.readableBytes
        let size = part.writeString(model)
        part.writeStaticString("\r\n")
        var splice = JSONSplice()
        splice.replace(self.start..<self.start, with: part)
        return (splice.applied(to: body), place..<place + size)
    }

    /// The text at `range` of `body`.
    static func text(_ body: ByteBuffer, _ range: Range<Int>) -> String {
        body.getString(at: body.readerIndex + range.lowerBound, length: range.count) ?? ""
    }

    private static func boundary(_ contentType: String) -> String? {
        guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        for parameter in contentType.split(separator: ";").dropFirst() {
            var pair = parameter.drop { $0 == " " }
            guard pair.lowercased().hasPrefix("boundary=") else { continue }
            pair = pair.dropFirst(9)
            if pair.hasPrefix("\"") { pair = pair.dropFirst().prefix { $0 != "\"" } }
            return pair.isEmpty ? nil : String(pair)
        }
        return nil
    }

    private static func find(_ needle: [UInt8], in bytes: Span<UInt8>, from start: Int, to end: Int? = nil) -> Int? {
        let last = (end ?? bytes.count) - needle.count
        var index = start
        while index <= last {
            if bytes[index] == needle[0] {
                var offset = 1
                while offset < needle.count, bytes[index + offset] == needle[offset] { offset += 1 }
                if offset == needle.count { return index }
            }
            index += 1
        }
        return nil
    }
}
