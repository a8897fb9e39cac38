/// A JSON string with its escapes resolved, and where each of its bytes was written.
struct UnescapedText {
    /// The text.
    private(set) var bytes: [UInt8] = []
    /// For each byte the offset where its character begins in the JSON, and at last the end.
    private var offsets: [Int32] = []

    /// Resolves what stands between the quotes; `nil` for what has no escapes.
    init?(_ raw: Span<UInt8>) {
        var index = 0
        while index < raw.count, raw[index] != UInt8(ascii: "\\") { index += 1 }
        guard index < raw.count else { return nil }
        self.bytes.reserveCapacity(raw.count)
        self.offsets.reserveCapacity(raw.count + 1)
        for place in 0..<index { self.append(raw[place], place) }
        while index < raw.count {
            guard raw[index] == UInt8(ascii: "\\"), index + 1 < raw.count else {
                self.append(raw[index], index)
                index += 1
                continue
            }
            index = self.resolve(raw, index)
        }
        self.offsets.append(Int32(truncatingIfNeeded: raw.count))
    }

    /// Where a piece of the text stands in the JSON.
    func raw(_ range: Range<Int>) -> Range<Int> {
        Int(self.offsets[range.lowerBound])..<Int(self.offsets[range.upperBound])
    }

    private mutating func append(_ byte: UInt8, _ offset: Int) {
        self.bytes.append(byte)
        self.offsets.append(Int32(truncatingIfNeeded: offset))
    }

    /// Resolves the escape at `start`, which has been checked; returns the offset after it.
    private mutating func resolve(_ raw: Span<UInt8>, _ start: Int) -> Int {
        let letter = raw[start + 1]
        switch letter {
        case UInt8(ascii: "n"): self.append(0x0A, start)
        case UInt8(ascii: "r"): self.append(0x0D, start)
        case UInt8(ascii: "t"): self.append(0x09, start)
        case UInt8(ascii: "b"): self.append(0x08, start)
        case UInt8(ascii: "f"): self.append(0x0C, start)
        case UInt8(ascii: "u"):
            let first = Self.unit(raw, start)
            var (scalar, end) = (Unicode.Scalar(first), start + 6)
            if scalar == nil, first < 0xDC00, end + 6 <= raw.count, raw[end] == UInt8(ascii: "\\"),
                raw[end + 1] == letter
            {
                let second = Self.unit(raw, end)
                if (0xDC00...0xDFFF).contains(second) {
                    scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
                    end += 6
                }
            }
            for byte in UTF8.encode(scalar ?? "\u{FFFD}") ?? UTF8.encodedReplacementCharacter {
                self.append(byte, start)
            }
            return min(end, raw.count)
        default: self.append(letter, start)
        }
        return start + 2
    }

    private static func unit(_ raw: Span<UInt8>, _ start: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in (start + 2)..<min(start + 6, raw.count) {
            let byte = raw[index]
            value = value << 4 | UInt32(TextBytes.isDigit(byte) ? byte &- 0x30 : (byte | 0x20) &- 0x57)
        }
        return value
    }
}
