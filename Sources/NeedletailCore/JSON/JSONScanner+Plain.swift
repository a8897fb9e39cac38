import CNeedletailScan

extension JSONScanner {
    /// The first offset from `index` on whose byte is not plain in a string: a quote, a backslash, a control character
    /// or the start of a multibyte sequence.
    @inline(__always)
    static func plainASCII(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        let index = Self.run(bytes, index, spansEscapes: false)
        return Self.plainTail(bytes, index)
    }

    /// As ``plainASCII(_:_:)``, but passes over the escapes that texts are full of, `\n` and `\"`. What it stops at is not
    /// itself escaped.
    ///
    /// The byte before `index` is not part of an escape whose end is yet to come.
    @inline(__always)
    static func escapedASCII(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        var start = index
        if bytes[index &- 1] == UInt8(ascii: "\\") {
            // It ended an escape and begins none, which the look at a byte's predecessor cannot tell.
            guard index < bytes.count, Self.isPlain(bytes[index]) else { return index }
            start &+= 1
        }
        let end = Self.run(bytes, start, spansEscapes: true)
        guard bytes[end &- 1] != UInt8(ascii: "\\") else { return end &- 1 }
        return Self.plainTail(bytes, end)
    }

    /// Passes over bytes in whole vectors: the offset of the first byte that needs a look, or of the last bytes, which
    /// are fewer than a vector.
    @inline(__always)
    private static func run(_ bytes: Span<UInt8>, _ index: Int, spansEscapes: Bool) -> Int {
        var index = index
        let count = bytes.count
        let raw = unsafe bytes.bytes
        // By itself, since most strings are short.
        guard index &+ 16 <= count else { return index }
        var first = Self.first(Self.marks(raw, index, spansEscapes))
        if first < 16 { return index &+ first }
        index &+= 16
        if index &+ 64 <= count {
            index &+= unsafe raw.withUnsafeBytes { bytes in
                // In bounds from one before `index` to the end.
                guard let start = bytes.baseAddress else { return 0 }
                return unsafe needletail_plain_blocks(start + index, count &- index, spansEscapes ? 1 : 0)
            }
        }
        while index &+ 16 <= count {
            first = Self.first(Self.marks(raw, index, spansEscapes))
            if first < 16 { return index &+ first }
            index &+= 16
        }
        return index
    }

    @inline(__always)
    private static func plainTail(_ bytes: Span<UInt8>, _ index: Int) -> Int {
        var index = index
        while index < bytes.count, Self.isPlain(bytes[index]) { index &+= 1 }
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

    /// Which of the 16 bytes from `index` on, all in bounds, need a look: all bits are set for those that do, none for
    /// the others.
    ///
    /// With `spansEscapes` a backslash needs none, but what follows it does unless it is `n` or a quote, and so does a
    /// quote that follows none. The byte before `index` must be in bounds then.
    @inline(__always)
    private static func marks(_ raw: RawSpan, _ index: Int, _ spansEscapes: Bool) -> SIMD16<Int8> {
        let unit = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<Int8>.self)
        let odd = Self.isBelowSpace(unit)
        let quote = Self.equal(unit, UInt8(ascii: "\""))
        guard spansEscapes else { return odd | quote | Self.equal(unit, UInt8(ascii: "\\")) }
        let before = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: index &- 1, as: SIMD16<Int8>.self)
        let isEscaped = Self.equal(before, UInt8(ascii: "\\"))
        return odd | ((quote ^ isEscaped) & ~Self.equal(unit, UInt8(ascii: "n")))
    }

    /// All bits set where a byte is `byte`, none elsewhere. The vector is typed out: with an inferred one the compiler
    /// compares byte by byte.
    @inline(__always)
    private static func equal(_ unit: SIMD16<Int8>, _ byte: UInt8) -> SIMD16<Int8> {
        let bytes = SIMD16<Int8>(repeating: Int8(bitPattern: byte))
        return unsafe unsafeBitCast(unit .== bytes, to: SIMD16<Int8>.self)
    }

    /// All bits set where a byte is a control character or, being negative, a part of a multibyte sequence.
    @inline(__always)
    private static func isBelowSpace(_ unit: SIMD16<Int8>) -> SIMD16<Int8> {
        let space = SIMD16<Int8>(repeating: 0x20)
        return unsafe unsafeBitCast(unit .< space, to: SIMD16<Int8>.self)
    }

    /// The first byte that is marked; 16 if none is.
    @inline(__always)
    private static func first(_ marks: SIMD16<Int8>) -> Int {
        let words = unsafe unsafeBitCast(marks, to: SIMD2<UInt64>.self)
        let low = words.x.littleEndian
        if low != 0 { return low.trailingZeroBitCount >> 3 }
        return 8 &+ words.y.littleEndian.trailingZeroBitCount >> 3
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
