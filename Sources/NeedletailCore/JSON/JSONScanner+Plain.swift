extension JSONScanner {
    /// The first offset from `index` on whose byte is not plain in a string: a quote, a backslash, a control character
    /// or the start of a multibyte sequence.
    ///
    /// Looks at 16 bytes at a time. A byte is plain if it lies in 0x20...0x7F and is neither quote nor backslash;
    /// each of the four terms below has its high bit set where that does not hold (or where another already says so).
    @inline(__always)
    static func plainASCII(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        var index = index
        let count = bytes.count
        let raw = unsafe bytes.bytes
        while index &+ 32 <= count {
            // In bounds: checked in the line above.
            let low = Self.marks(unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<UInt8>.self))
            let high = Self.marks(
                unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index &+ 16, as: SIMD16<UInt8>.self))
            guard (low.x | low.y) | (high.x | high.y) == 0 else { break }
            index &+= 32
        }
        while index &+ 16 <= count {
            // In bounds: checked in the line above.
            let unit = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<UInt8>.self)
            let marks = Self.marks(unit)
            if marks.x | marks.y == 0 {
                index &+= 16
                continue
            }
            let first = marks.x != 0 ? marks.x.trailingZeroBitCount : 64 &+ marks.y.trailingZeroBitCount
            return index &+ first >> 3
        }
        while index < count, Self.isPlain(bytes[index]) { index &+= 1 }
        return index
    }

    /// The first offset from `index` on whose byte must be escaped in a string.
    @inline(__always)
    static func unescaped(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        var index = Self.plainASCII(bytes, index)
        while index < bytes.count, bytes[index] >= 0x80 { index = Self.plainASCII(bytes, index &+ 1) }
        return index
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// The high bit of each byte that is not plain, the first byte lowest.
    @inline(__always)
    private static func marks(_ unit: SIMD16<UInt8>) -> SIMD2<UInt64> {
        let one = SIMD16<UInt8>(repeating: 1)
        let quote = (unit ^ SIMD16(repeating: UInt8(ascii: "\""))) &- one
        let backslash = (unit ^ SIMD16(repeating: UInt8(ascii: "\\"))) &- one
        let control = unit &- SIMD16(repeating: 0x20)
        let marks = (unit | control | quote | backslash) & SIMD16(repeating: 0x80)
        let words = unsafe unsafeBitCast(marks, to: SIMD2<UInt64>.self)
        return SIMD2(words.x.littleEndian, words.y.littleEndian)
    }

    /// The offset after the valid multibyte sequences from `index` on; it may stop early, three bytes before the end and
    /// at whatever is not valid.
    ///
    /// Reads four bytes as one number, the first lowest, and compares the bits that RFC 3629 section 4 fixes.
    @inline(__always)
    static func multibyteRun(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        var index = index
        let raw = unsafe bytes.bytes
        while index &+ 4 <= bytes.count {
            // In bounds: checked in the line above.
            let word = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt32.self).littleEndian
            if word & 0x00C0_C0F0 == 0x0080_80E0 {
                let bits = word & 0x200F
                guard bits != 0, bits != 0x200D else { return index }  // overlong, or a surrogate
                index &+= 3
            } else if word & 0xC0E0 == 0x80C0 {
                guard word & 0x1E != 0 else { return index }  // overlong
                index &+= 2
            } else if word & 0xC0C0_C0F8 == 0x8080_80F0 {
                let bits = word & 0x3007
                guard bits != 0, bits & 4 == 0 || bits & 0x3003 == 0 else { return index }  // overlong, above U+10FFFF
                index &+= 4
            } else {
                return index
            }
        }
        return index
    }
}
