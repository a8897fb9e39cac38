/// Resolves the escapes of a JSON string that has been checked.
enum JSONUnescaping {
    static func string(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        // An escape is never shorter than what it stands for, so the capacity suffices; every write is checked even so.
        unsafe String(unsafeUninitializedCapacity: range.count) { out in
            var writer = unsafe Writer(out: UnsafeMutableRawBufferPointer(out))
            unsafe bytes.withUnsafeBytes { text in unsafe writer.resolve(bytes, text, range) }
            return writer.count
        }
    }

    /// Fills the new string's memory.
    @safe private struct Writer {
        let out: UnsafeMutableRawBufferPointer
        var count = 0

        init(out: UnsafeMutableRawBufferPointer) {
            unsafe self.out = out
        }

        mutating func append(_ unit: UInt8) {
            guard unsafe self.count < self.out.count else { return }
            unsafe self.out[self.count] = unit
            self.count &+= 1
        }

        mutating func append(_ units: UnsafeRawBufferPointer) {
            guard unsafe self.count + units.count <= self.out.count else { return }
            let end = self.count + units.count
            unsafe UnsafeMutableRawBufferPointer(rebasing: self.out[self.count..<end]).copyMemory(from: units)
            self.count = end
        }

        mutating func append(_ scalar: Unicode.Scalar) {
            for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { self.append(unit) }
        }

        mutating func resolve(_ bytes: Span<UInt8>, _ text: UnsafeRawBufferPointer, _ range: Range<Int>) {
            var index = range.lowerBound
            while index < range.upperBound {
                let plain = min(JSONScanner.unescaped(bytes, index), range.upperBound)
                if plain > index {
                    unsafe self.append(UnsafeRawBufferPointer(rebasing: text[index..<plain]))
                    index = plain
                    continue
                }
                switch bytes[index + 1] {
                case UInt8(ascii: "b"): self.append(0x08)
                case UInt8(ascii: "f"): self.append(0x0C)
                case UInt8(ascii: "n"): self.append(0x0A)
                case UInt8(ascii: "r"): self.append(0x0D)
                case UInt8(ascii: "t"): self.append(0x09)
                case UInt8(ascii: "u"):
                    let (scalar, end) = JSONUnescaping.scalar(bytes, index, range.upperBound)
                    self.append(scalar)
                    index = end
                    continue
                case let other: self.append(other)
                }
                index += 2
            }
        }
    }

    /// The scalar of the `\u` escape at `start`, with the second half of a surrogate pair if it follows.
    private static func scalar(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> (Unicode.Scalar, Int) {
        let first = Self.unit(bytes, start)
        if let scalar = Unicode.Scalar(first) { return (scalar, start + 6) }
        guard first < 0xDC00, start + 12 <= end, bytes[start + 6] == UInt8(ascii: "\\"),
            bytes[start + 7] == UInt8(ascii: "u")
        else { return ("\u{FFFD}", start + 6) }
        let second = Self.unit(bytes, start + 6)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { return ("\u{FFFD}", start + 6) }
        return (scalar, start + 12)
    }

    private static func unit(_ bytes: Span<UInt8>, _ start: Int) -> UInt32 {
        var value: UInt32 = 0
        for index in (start + 2)..<(start + 6) { value = value << 4 | (JSONScanner.hexDigit(bytes[index]) ?? 0) }
        return value
    }
}

extension JSONScanner {
    /// The text of a string that has been scanned; `range` includes its quotes. A lone surrogate becomes U+FFFD.
    package static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        JSONUnescaping.string(bytes, (range.lowerBound + 1)..<(range.upperBound - 1))
    }
}
