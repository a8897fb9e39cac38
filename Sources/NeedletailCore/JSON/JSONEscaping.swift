import NIOCore

/// Escapes what RFC 8259 section 7 demands: quote, backslash and control characters.
enum JSONEscaping {
    /// Appends `text`, which is UTF-8, in quotes; a comma before and a colon after it as asked.
    static func write(_ text: UnsafeRawBufferPointer, afterComma: Bool, isKey: Bool, into out: inout ByteBuffer) {
        let span = unsafe Span<UInt8>(_unsafeBytes: text)
        let first = JSONScanner.unescaped(span, 0)
        guard first < span.count else {
            unsafe Self.writePlain(text, afterComma: afterComma, isKey: isKey, into: &out)
            return
        }
        out.writeStaticString(afterComma ? ",\"" : "\"")
        unsafe Self.writeEscaped(text, span, first, into: &out)
        out.writeStaticString(isKey ? "\":" : "\"")
    }

    /// The same for text that needs no escapes.
    @inline(__always)
    static func writePlain(_ text: UnsafeRawBufferPointer, afterComma: Bool, isKey: Bool, into out: inout ByteBuffer) {
        let size = text.count + 2 + (afterComma ? 1 : 0) + (isKey ? 1 : 0)
        unsafe out.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
            // The target has room for `size` bytes at least.
            var position = 0
            if afterComma {
                unsafe target[0] = UInt8(ascii: ",")
                position = 1
            }
            unsafe target[position] = UInt8(ascii: "\"")
            position += 1
            let place = position..<(position + text.count)
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[place]).copyMemory(from: text)
            position += text.count
            unsafe target[position] = UInt8(ascii: "\"")
            if isKey { unsafe target[position + 1] = UInt8(ascii: ":") }
            return size
        }
    }

    /// - Parameter first: The offset of the first byte that must be escaped.
    private static func writeEscaped(
        _ text: UnsafeRawBufferPointer, _ span: Span<UInt8>, _ first: Int, into out: inout ByteBuffer
    ) {
        let size = Self.size(span, from: first)
        unsafe out.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: text[..<first]))
            var written = first
            var index = first
            while index < span.count {
                // The target has room for `size` bytes, and this loop takes the same steps as the one that counted.
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[written..<size])
                written += unsafe Self.escape(span[index], rest)
                let clean = index + 1
                index = JSONScanner.unescaped(span, clean)
                let run = unsafe UnsafeRawBufferPointer(rebasing: text[clean..<index])
                let end = written + run.count
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[written..<end]).copyMemory(from: run)
                written = end
            }
            return written
        }
    }

    private static func size(_ text: Span<UInt8>, from first: Int) -> Int {
        var size = text.count
        var index = first
        while index < text.count {
            size += Self.short(text[index]) == nil ? 5 : 1
            index = JSONScanner.unescaped(text, index + 1)
        }
        return size
    }

    /// The letter of the two-character escape, where there is one.
    @inline(__always)
    private static func short(_ unit: UInt8) -> UInt8? {
        switch unit {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): unit
        case 0x08: UInt8(ascii: "b")
        case 0x0C: UInt8(ascii: "f")
        case 0x0A: UInt8(ascii: "n")
        case 0x0D: UInt8(ascii: "r")
        case 0x09: UInt8(ascii: "t")
        default: nil
        }
    }

    @inline(__always)
    private static func escape(_ unit: UInt8, _ target: UnsafeMutableRawBufferPointer) -> Int {
        unsafe target[0] = UInt8(ascii: "\\")
        if let letter = Self.short(unit) {
            unsafe target[1] = letter
            return 2
        }
        unsafe target[1] = UInt8(ascii: "u")
        unsafe target[2] = UInt8(ascii: "0")
        unsafe target[3] = UInt8(ascii: "0")
        unsafe target[4] = UInt8(ascii: "0") + unit >> 4
        let low = unit & 0xF
        unsafe target[5] = low < 10 ? low + 0x30 : low + 0x57
        return 6
    }
}
