import NIOCore

/// Amazon's event-stream encoding (`application/vnd.amazon.eventstream`).
///
/// A frame is: its whole length and the length of its headers (four bytes each, big-endian), a CRC-32 of these eight
/// bytes, the headers, the payload, a CRC-32 of all before it. See
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html> and
/// <https://smithy.io/2.0/aws/amazon-eventstream.html>.
enum EventStreamFormat {
    /// The two lengths and their checksum.
    static let preludeSize = 12
    /// What a frame holds besides headers and payload.
    static let overhead = 16
    /// The most that headers may take, in bytes: as in the SDKs' `aws-c-event-stream`.
    static let maximumHeaderSize = 128 << 10

    /// What begins the name of an event that is a failure: `:message-type` is `exception` or `error`. What follows is the
    /// exception's type or the error's code.
    static let failurePrefix: StaticString = "exception:"
}

/// Steps through the headers of a frame.
///
/// A header is: the length of its name (one byte), the name, a type, and a value whose length the type tells.
struct EventStreamHeaders {
    /// The type of a string.
    static let stringType: UInt8 = 7

    /// Where the name of the last header stands.
    private(set) var name: Range<Int> = 0..<0
    /// Its type.
    private(set) var type: UInt8 = 0
    /// Where its value stands, without a length.
    private(set) var value: Range<Int> = 0..<0
    private var position: Int
    private let end: Int

    init(in range: Range<Int>) {
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    /// Goes to the next header.
    ///
    /// - Returns: `false` at the end; `nil` if what stands there is no header.
    mutating func next(_ bytes: Span<UInt8>) -> Bool? {
        guard self.position < self.end else { return false }
        let nameStart = self.position + 1
        let nameEnd = nameStart + Int(bytes[self.position])
        guard nameEnd > nameStart, nameEnd < self.end else { return nil }
        self.name = nameStart..<nameEnd
        self.type = bytes[nameEnd]
        var start = nameEnd + 1
        var length: Int
        switch self.type {
        case 0, 1: length = 0  // true, false
        case 2: length = 1
        case 3: length = 2
        case 4: length = 4
        case 5, 8: length = 8  // a 64-bit number, a time
        case 6, Self.stringType:
            guard start + 2 <= self.end else { return nil }
            length = Int(bytes[start]) << 8 | Int(bytes[start + 1])
            start += 2
        case 9: length = 16  // a UUID
        default: return nil
        }
        guard start + length <= self.end else { return nil }
        self.value = start..<(start + length)
        self.position = start + length
        return true
    }

    /// Whether the last header is a string of this name.
    func isString(_ name: StaticString, _ bytes: Span<UInt8>) -> Bool {
        self.type == Self.stringType && Self.equals(bytes, self.name, name)
    }

    /// Whether the bytes in `range` are `word`.
    static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { letters in
            for offset in 0..<range.count where unsafe bytes[range.lowerBound &+ offset] != letters[offset] {
                return false
            }
            return true
        }
    }
}
