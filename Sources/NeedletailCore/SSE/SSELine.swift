import NIOCore

/// What a line of an event stream is made of. Offsets count from a buffer's reader index.
package enum SSELine {
    /// The offset of the first line feed or carriage return from `start` on, or the end.
    @inline(__always)
    package static func end(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var index = start
        let count = bytes.count
        let raw = unsafe bytes.bytes
        while index &+ 16 <= count {
            // In bounds: checked in the line above.
            let unit = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<UInt8>.self)
            let words =
                ByteSearch.zeros(unit ^ SIMD16(repeating: 0x0A)) | ByteSearch.zeros(unit ^ SIMD16(repeating: 0x0D))
            if let first = ByteSearch.first(words) { return index &+ first }
            index &+= 16
        }
        while index < count, bytes[index] != 0x0A, bytes[index] != 0x0D { index &+= 1 }
        return index
    }

    /// The value of a `data` or `event` field; `nil` for comments and all other fields, which do not matter here.
    @inline(__always)
    static func field(_ bytes: Span<UInt8>, _ line: Range<Int>) -> (value: Range<Int>, isName: Bool)? {
        let isName: Bool
        let colon: Int
        if line.count >= 4, JSONScanner.matches(bytes, line.lowerBound, "data") {
            isName = false
            colon = line.lowerBound + 4
        } else if line.count >= 5, JSONScanner.matches(bytes, line.lowerBound, "event") {
            isName = true
            colon = line.lowerBound + 5
        } else {
            return nil
        }
        // A line without a colon is a field with an empty value.
        guard colon < line.upperBound else { return (line.upperBound..<line.upperBound, isName) }
        guard bytes[colon] == UInt8(ascii: ":") else { return nil }
        let value = colon + 1
        let skipsSpace = value < line.upperBound && bytes[value] == 0x20
        return ((skipsSpace ? value + 1 : value)..<line.upperBound, isName)
    }

    /// How many bytes at the start are those of a byte-order mark.
    static func markLength(_ bytes: Span<UInt8>) -> Int {
        let mark: (UInt8, UInt8, UInt8) = (0xEF, 0xBB, 0xBF)
        guard bytes.count > 0, bytes[0] == mark.0 else { return 0 }
        guard bytes.count > 1, bytes[1] == mark.1 else { return 1 }
        guard bytes.count > 2, bytes[2] == mark.2 else { return 2 }
        return 3
    }

    @inline(__always)
    static func slice(_ buffer: ByteBuffer, _ range: Range<Int>) -> ByteBuffer? {
        buffer.getSlice(at: buffer.readerIndex + range.lowerBound, length: range.count)
    }
}
