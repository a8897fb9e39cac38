/// Looks for bytes, sixteen at a time.
package enum ByteSearch {
    /// The offset of the first line feed from `start` on, or `nil`.
    package static func lineFeed(_ bytes: Span<UInt8>, from start: Int = 0) -> Int? {
        var index = start
        let count = bytes.count
        let raw = unsafe bytes.bytes
        while index &+ 16 <= count {
            // In bounds: checked in the line above.
            let unit = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<UInt8>.self)
            if let first = Self.first(Self.zeros(unit ^ SIMD16(repeating: 0x0A))) { return index &+ first }
            index &+= 16
        }
        while index < count {
            if bytes[index] == 0x0A { return index }
            index &+= 1
        }
        return nil
    }

    /// The high bit of each byte that is zero, the first byte lowest. Those above the first may be set for others too.
    @inline(__always)
    static func zeros(_ unit: SIMD16<UInt8>) -> SIMD2<UInt64> {
        let marks = (unit &- SIMD16(repeating: 1)) & ~unit & SIMD16(repeating: 0x80)
        let words = unsafe unsafeBitCast(marks, to: SIMD2<UInt64>.self)
        return SIMD2(words.x.littleEndian, words.y.littleEndian)
    }

    /// The place of the first byte that is marked.
    @inline(__always)
    static func first(_ words: SIMD2<UInt64>) -> Int? {
        if words.x | words.y == 0 { return nil }
        return (words.x != 0 ? words.x.trailingZeroBitCount : 64 &+ words.y.trailingZeroBitCount) >> 3
    }
}
