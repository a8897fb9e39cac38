/// The keys under which providers give out what only they can read: signatures, and reasoning that is encrypted.
enum ProviderStateKey {
    /// The lengths that the keys have, as bits. Nearly no other key has one of them, so that most cost one test.
    private static let lengths: UInt32 = 1 << 11 | 1 << 15 | 1 << 17 | 1 << 18 | 1 << 19

    /// Whether the key at `range`, quotes included, is one. An escaped spelling is none: what is noted here is a hint.
    @inline(__always)
    static func isOne(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count < 32, Self.lengths >> UInt32(truncatingIfNeeded: range.count) & 1 == 1 else { return false }
        return Self.isNamed(bytes, range)
    }

    @inline(never)
    private static func isNamed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let start = range.lowerBound
        return switch range.count {
        case 11: JSONScanner.matches(bytes, start, "\"signature\"")
        case 15: JSONScanner.matches(bytes, start, "\"reasoningText\"")
        case 17:
            JSONScanner.matches(bytes, start, "\"redactedContent\"")
                || JSONScanner.matches(bytes, start, "\"thinking_blocks\"")
        case 18: JSONScanner.matches(bytes, start, "\"thoughtSignature\"")
        case 19:
            JSONScanner.matches(bytes, start, "\"thought_signature\"")
                || JSONScanner.matches(bytes, start, "\"encrypted_content\"")
                || JSONScanner.matches(bytes, start, "\"reasoning_details\"")
        default: false
        }
    }
}

/// Checks a value and notes, on the way, whether it may hold something that only its provider can read. Nothing is
/// decoded or kept.
package struct JSONStateScan: JSONTape, Sendable {
    /// Whether there is such a key, at any depth.
    package private(set) var mayHoldState = false

    /// Nothing seen.
    package init() {}

    /// Scans the value at `start` and returns the offset after it.
    package mutating func value(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> Int {
        try JSONParser.value(bytes, start, into: &self)
    }

    @inline(__always)
    mutating func key(_ bytes: Span<UInt8>, _ range: Range<Int>, hasEscapes: Bool) {
        if ProviderStateKey.isOne(bytes, range) { self.mayHoldState = true }
        // Redacted reasoning in a reply of Anthropic's; nothing else there is called so.
        if range.count == 6, bytes[range.lowerBound &+ 1] == UInt8(ascii: "d"),
            JSONScanner.matches(bytes, range.lowerBound, "\"data\"")
        {
            self.mayHoldState = true
        }
    }
    @inline(__always)
    mutating func scalar(_ bytes: Span<UInt8>, _ kind: JSONKind, _ range: Range<Int>, hasEscapes: Bool) {}
    @inline(__always)
    mutating func open(_ kind: JSONKind, at start: Int) {}
    @inline(__always)
    mutating func close(at end: Int) {}
}
